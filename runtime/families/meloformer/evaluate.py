"""A trained MeloFormer judged: what it predicts far into held-out pieces, and what it writes from nothing, against the same
model untrained and against the held-out pieces themselves. Its first pieces are kept as MIDI, with a drawing of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from expc.compiler.contract.training import Training, known

from ...midi import files
from ...midi.encoding import decode
from ...midi.grammar import allowed
from ...midi.song import Song
from ...midi.vocabulary import END
from .. import Exhibit, Findings, Say
from . import data as prepared
from .listening import features, pitch_classes
from .model import MeloFormer
from .sampling import sample
from .task import losses_of

SAMPLES, MOST_TOKENS, TEMPERATURE, SEED = 8, 400, 0.95, 1
"""Pieces that are written for the figures, how long they get, how boldly they are drawn, and from which seed."""
PIECES, AT_ONCE = 64, 4
"""At most so many held-out pieces are read, so many at once."""
FAR = 8
"""Bars before the first one that counts as far into a piece."""


def trained(training: Training, checkpoint: Path, device: torch.device) -> MeloFormer:
    """The model of a checkpoint, in evaluation mode."""
    model = MeloFormer(training.config.model)
    model.load_state_dict(load_file(checkpoint / "meloformer.safetensors"))
    return model.to(device).eval()


def untrained(training: Training, device: torch.device) -> MeloFormer:
    """The model as it was before its first update."""
    model = MeloFormer(training.config.model)
    model.initialise(known(training.seed))
    return model.to(device).eval()


def piece_seed(seed: int, index: int) -> int:
    """The seed of a piece's own random numbers."""
    return seed * 1_000_003 + index


def evaluate(training: Training, data: Path, checkpoint: Path, device: torch.device, folder: Path, say: Say) -> Findings:
    """Figures of the model, of the untrained one and of the data; MIDI files and a figure into `folder`."""
    held_out = prepared.load(data, "valid")
    rows = torch.from_numpy(prepared.pieces_of(held_out, training.config.model.sequence_length)[:PIECES])
    real = [decode(_ids(row)[:MOST_TOKENS]) for row in rows]
    classes = pitch_classes(real)
    models = {"model": trained(training, checkpoint, device), "untrained": untrained(training, device)}
    figures, songs = {}, list[Song]()
    for name, model in models.items():
        say(f"writing {SAMPLES} pieces of at most {MOST_TOKENS} tokens: {name}")
        written = [sample(model, MOST_TOKENS, piece_seed(SEED, index), TEMPERATURE) for index in range(SAMPLES)]
        heard = [decode(ids) for ids in written]
        songs = songs or heard
        figures[name] = {"grammar_validity": float(np.mean([fits for ids in written for fits in allowed(ids)])),
                         **features(heard, classes), **_far(model, rows, training, device)}
    figures["data"] = {"grammar_validity": float(np.mean([fits for row in rows for fits in allowed(_ids(row))])),
                       **features(real, classes)}
    return Findings(figures.pop("model"), figures, tuple(_exhibits(songs, real, folder)))


def _ids(row: torch.Tensor) -> list[int]:
    """The tokens of a row of one piece, behind its BEGIN."""
    return [token for token in row.tolist()[1:] if token != prepared.NOTHING]


def _far(model: MeloFormer, rows: torch.Tensor, training: Training, device: torch.device) -> dict[str, float]:
    """Mean loss of the tokens behind the first bars of held-out pieces; nothing where no piece in the context is that long."""
    nats, count = 0.0, 0
    for first in range(0, len(rows), AT_ONCE):
        chunk = rows[first : first + AT_ONCE]
        far = (prepared.bar_numbers(chunk) >= FAR)[:, 1:] & (chunk[:, 1:] != prepared.NOTHING) & (chunk[:, 1:] != END)
        nats += float(losses_of(model, chunk, training, device)[far].sum())
        count += int(far.sum())
    return {"long_range_loss": nats / count} if count else {}


def _exhibits(songs: list[Song], real: list[Song], folder: Path) -> list[Exhibit]:
    """The first pieces and a held-out one as MIDI files, and their drawing."""
    from .drawing import rolls

    shown = {f"piece_{number}": song for number, song in enumerate(songs[:3], start=1)} | {"held_out": real[0]}
    for name, song in shown.items():
        files.write(song, folder / f"{name}.mid")
    rolls(shown, folder / "pieces.png")
    picture = {"zh": "模型写的三首和留出的一首：横轴四分音符，竖线为小节，纵轴音高，颜色为乐器",
               "en": "Three pieces by the model and a held-out one: quarter notes across, a line a bar, pitch upwards, a "
                     "colour for each instrument"}
    return [Exhibit("pieces.png", "figure", picture), *(Exhibit(f"{name}.mid", "file", _caption(name)) for name in shown)]


def _caption(name: str) -> dict[str, str]:
    if name == "held_out":
        return {"zh": "留出的一首（取自数据）", "en": "A held-out piece, from the data"}
    number = name.removeprefix("piece_")
    return {"zh": f"模型写的第 {number} 首", "en": f"Written by the model, number {number}"}
