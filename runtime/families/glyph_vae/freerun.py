"""Glyphs that the decoder writes by itself: images and z in, drawing commands out, token after token, the likeliest each."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .model import GlyphVAE
from .outlines import END, PAD, Glyph


@torch.inference_mode()
def write(model: GlyphVAE, images: Tensor, z: Tensor) -> list[Glyph]:
    """A glyph for each image (B, 1, size, size) and z (B, Z); one that has not ended stops at the sequence's length.

    Nothing holds the commands to a grammar: what is malformed is to be seen and counted.
    """
    count, device = len(z), z.device
    commands = torch.empty((count, 0), dtype=torch.int64, device=device)
    coordinates = torch.empty((count, 0, 4), device=device)
    memory, ended = model.decoder.memory(images, z), torch.zeros(count, dtype=torch.bool, device=device)
    while commands.size(1) < model.model.sequence_length and not bool(ended.all()):
        stream = model.decoder.stream(commands, coordinates, memory)[:, -1]
        command = model.decoder.next_command(stream).argmax(-1).masked_fill(ended, PAD)
        place = model.decoder.next_coordinates(stream, command) * model.used[command]
        commands = torch.cat((commands, command[:, None]), dim=1)
        coordinates = torch.cat((coordinates, place[:, None]), dim=1)
        ended |= command == END
    return [_whole(*pair) for pair in zip(commands.cpu().numpy(), coordinates.float().cpu().numpy(), strict=True)]


def _whole(commands: np.ndarray, coordinates: np.ndarray) -> Glyph:
    """The tokens up to END, or all of them."""
    ends = np.flatnonzero(commands == END)
    length = int(ends[0]) + 1 if len(ends) else len(commands)
    return Glyph(commands[:length].astype(np.uint8), coordinates[:length])
