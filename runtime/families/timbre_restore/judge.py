"""What a trained generator is worth: every held-out excerpt restored, its distances to the clean one set beside those of the
degraded input and of the untrained model; recordings to listen to, and their spectrograms. And restored samples on request."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from expc.compiler.contract.families.timbre_restore import Config
from expc.compiler.contract.training import Training

from .. import Exhibit, Findings, Say
from . import data, losses, pictures
from .generator import Generator
from .shards import LARGEST
from .task import fresh

EXAMPLES = 3
ROWS = 16
"""Excerpts restored together."""
METRICS = ("l1", "mrstft", "lsd", "si_sdr")
Restore = Callable[[Tensor], Tensor]


def trained(training: Training, checkpoint: Path, device: torch.device) -> Generator:
    """The generator of a checkpoint, ready to restore."""
    generator = Generator(training.config.model.generator)
    generator.load_state_dict(load_file(checkpoint / "generator.safetensors"))
    return generator.to(device).eval()


@torch.inference_mode()
def evaluate(training: Training, folder: Path, checkpoint: Path, device: torch.device, exhibits: Path, say: Say) -> Findings:
    """All held-out excerpts, and a few of them to look at and listen to."""
    config, pairs = training.config, data.load(folder)
    rivals: dict[str, Restore] = {"trained": trained(training, checkpoint, device), "input": lambda degraded: degraded,
                                  "untrained": fresh(training)[0].to(device).eval()}
    found = {name: measure(config, pairs, restore, device) for name, restore in rivals.items()}
    say(f"{config.data.valid_clips:,} held-out excerpts of {config.model.segment / config.model.sample_rate:.2f} s measured")
    measured = found.pop("trained")
    return Findings(measured, found, tuple(_examples(config, pairs, rivals["trained"], device, exhibits)))


def measure(config: Config, pairs: data.Pairs, restore: Restore, device: torch.device) -> dict[str, float]:
    """Means over all held-out excerpts; what no excerpt has (a ratio to silence) is left out."""
    values: dict[str, list[float]] = {name: [] for name in METRICS}
    for numbers in np.array_split(_held_out(config), math.ceil(config.data.valid_clips / ROWS)):
        degraded, clean = torch.from_numpy(pairs.take(numbers)).to(device).unbind(1)
        made = restore(degraded)
        for one, other in zip(made, clean, strict=True):
            values["l1"].append(float(losses.l1(one, other)))
            values["mrstft"].append(float(losses.mrstft(one[None], other[None], config.model.fft)))
        values["lsd"] += losses.lsd(made, clean).tolist()
        values["si_sdr"] += losses.si_sdr(made, clean).tolist()
    finite = {name: [value for value in each if math.isfinite(value)] for name, each in values.items()}
    return {name: sum(each) / len(each) for name, each in finite.items() if each}


def _held_out(config: Config) -> np.ndarray:
    return np.arange(config.data.clips, config.data.clips + config.data.valid_clips)


def _examples(config: Config, pairs: data.Pairs, restore: Restore, device: torch.device, folder: Path) -> list[Exhibit]:
    """A few held-out excerpts, evenly spread: degraded, restored and clean as recordings, and their spectrograms."""
    held, rate = _held_out(config), config.model.sample_rate
    chosen = held[np.arange(min(EXAMPLES, len(held))) * len(held) // min(EXAMPLES, len(held))]
    pair = torch.from_numpy(pairs.take(chosen)).to(device)
    made = restore(pair[:, 0].contiguous())
    shown = {"degraded": pair[:, 0].cpu(), "restored": made.cpu(), "clean": pair[:, 1].cpu()}
    pictures.spectrograms(folder / "spectrograms.png", shown, rate)
    exhibits = [Exhibit("spectrograms.png", "figure", {
        "zh": "留出片段的频谱图：退化、修复、干净", "en": "Spectrograms of held-out excerpts: degraded, restored, clean"})]
    words = {"degraded": "退化", "restored": "修复", "clean": "干净"}
    source = {"zh": "（合成音频）", "en": " (synthetic)"} if config.data.source == "synthetic" else {"zh": "", "en": ""}
    for index in range(len(chosen)):
        for name, audio in shown.items():
            path = folder / f"{index + 1}_{name}.wav"
            write_wav(path, audio[index], rate)
            exhibits.append(Exhibit(path.name, "audio", {
                "zh": f"片段 {index + 1}，{words[name]}{source['zh']}", "en": f"Excerpt {index + 1}, {name}{source['en']}"}))
    return exhibits


def write_wav(path: Path, audio: Tensor, rate: int) -> None:
    """A mono recording (T) in 16 bits; what is louder than full is cut off."""
    from scipy.io import wavfile

    wavfile.write(path, rate, np.rint(audio.clamp(-1, 1).numpy() * LARGEST).astype(np.int16))


@torch.inference_mode()
def sample(training: Training, folder: Path, checkpoint: Path, device: torch.device, target: Path, count: int, seed: int,
           say: Say) -> tuple[Path, ...]:
    """Restores `count` held-out excerpts; the i-th is drawn by seed and i alone. Returns the restored recordings; each has
    its degraded input beside it."""
    config, pairs, generator = training.config, data.load(folder), trained(training, checkpoint, device)
    written = []
    for index in range(count):
        draw = np.random.PCG64(np.random.SeedSequence([seed, index])).random_raw()
        number = config.data.clips + int(draw) % config.data.valid_clips
        degraded = torch.from_numpy(pairs.take(np.asarray([number]))[:, 0].copy())
        path = target / f"{index + 1:03d}_restored.wav"
        write_wav(path, generator(degraded.to(device))[0].cpu(), config.model.sample_rate)
        write_wav(target / f"{index + 1:03d}_degraded.wav", degraded[0], config.model.sample_rate)
        written.append(path)
    say(f"{count:,} held-out excerpts restored")
    return tuple(written)
