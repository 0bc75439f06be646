"""Base, best and final model over the same prompts and seeds: losses by style, how clips fade and fall silent, and the clips.

Comes in: a checkpoint, beside which others may lie. Goes out: wav files, `comparison_results.jsonl` with a line for each
prompt and model, the adapters as peft reads them, and the figures. Nothing here is called a Frechet audio distance: that
needs an embedding of real music, and a distance on one's own features is another figure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from expc.compiler.contract.training import Training

from ...journal import read_lines
from .. import Exhibit, Findings, Say
from . import adapter, codec, data, generate, sound
from .task import LoraTask

WINDOW_SECONDS = 0.05
SILENT_DB, QUIETEST_DB = -50.0, -80.0
"""Windows below the first are silence; nothing counts as quieter than the second (dB of full scale)."""
TITLES = {"base": {"zh": "基座", "en": "base"}, "best": {"zh": "最佳", "en": "best"}, "final": {"zh": "最终", "en": "final"}}


@dataclass(frozen=True)
class Heard:
    """One of the compared models: where its adapter lies (None: the base alone)."""

    name: str
    checkpoint: Path | None


def evaluate(training: Training, folder_of_data: Path, checkpoint: Path, device: torch.device, folder: Path,
             say: Say) -> Findings:
    """Figures of the checkpoint, and of the base and the best checkpoint against it; writes its exhibits into `folder`."""
    task = LoraTask(training, folder_of_data, device)
    decode = decoder(task, folder_of_data)
    heard, exhibits, lines, figures = _heard(checkpoint, say), list[Exhibit](), list[dict[str, Any]](), {}
    for one in heard:
        say(f"evaluating the {one.name} model")
        with _as(task, one):
            figures[one.name] = _losses(task, folder_of_data)
            clips = _listen(task, one, decode, folder)
        lines += clips
        figures[one.name] |= {name: float(np.mean([line[name] for line in clips])) for name in ("fade", "silence")}
        exhibits += [_audio(line) for line in clips]
        if one.checkpoint is not None:
            adapter.export(task.model, one.checkpoint, folder / f"adapter_{one.name}")
            exhibits.append(Exhibit(f"adapter_{one.name}/{adapter.FILE}", "file", {
                "zh": f"{TITLES[one.name]['zh']}适配器（peft 格式）", "en": f"The {one.name} adapter, as peft reads it"}))
    path = folder / "comparison_results.jsonl"
    path.write_text("".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines), encoding="utf-8")
    exhibits.append(Exhibit(path.name, "file", {"zh": "每个模型、每条提示词一行", "en": "A line for each prompt and model"}))
    return Findings(figures.pop("final"), figures, tuple(exhibits))


def _heard(checkpoint: Path, say: Say) -> Iterator[Heard]:
    """Base, best and final; where the best is the final one it is heard once, since the two are the same weights."""
    best = best_checkpoint(checkpoint.parent)
    yield Heard("base", None)
    if best is None or best.name == checkpoint.name:
        say("the best checkpoint is the final one: the same weights, evaluated once")
    else:
        yield Heard("best", best)
    yield Heard("final", checkpoint)


def best_checkpoint(folder: Path) -> Path | None:
    """Of the checkpoints that are there, the one with the lowest loss on sounding frames; None where none was validated."""
    found = {folder / f"step_{line['step']:06d}": line["sounding_loss"] for line in read_lines(folder.parent / "metrics.jsonl")
             if line.get("kind") == "valid" and isinstance(line.get("sounding_loss"), float)}
    there = {path: loss for path, loss in found.items() if (path / adapter.FILE).is_file()}
    return min(there, key=lambda path: there[path]) if there else None


def _as(task: LoraTask, one: Heard) -> AbstractContextManager[Any]:
    if one.checkpoint is None:
        context: AbstractContextManager[Any] = task.model.disable_adapter()
        return context
    adapter.restore(task.model, one.checkpoint)
    return nullcontext()


def _losses(task: LoraTask, folder_of_data: Path) -> dict[str, float]:
    """Mean cross-entropy in nats on sounding frames: of the style that is learned, and of those that the base knew."""
    found = {"style_loss": _mean(task.held_out_losses(task.held_out, mask=True))}
    shown = Path(data.base_of(folder_of_data)) / "shown.npy"
    if shown.is_file():
        own, task.prompts = task.prompts, data.prompts(shown.parent)
        found["shown_loss"] = _mean(task.held_out_losses(np.load(shown), mask=True))
        task.prompts = own
    return found


def _mean(pair: tuple[Tensor, Tensor]) -> float:
    return float(pair[0].sum() / pair[1].sum())


def decoder(task: LoraTask, folder_of_data: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What makes sound (samples,) of codes (frames, codebooks): a generated base's codec, or the base's audio encoder."""
    own = Path(data.base_of(folder_of_data)) / data.CODEC
    if own.is_file():
        return codec.load(own).decode
    return lambda codes: sound.decode(task.model, codes)


def _listen(task: LoraTask, one: Heard, decode: Callable[[np.ndarray], np.ndarray], folder: Path) -> list[dict[str, Any]]:
    """A clip of each prompt, written and measured; prompt i has the seed i, whichever model sings it."""
    said = task.config.data
    seeds = list(range(len(said.prompts)))
    codes = generate.generate(task.model, task.tokenizer, list(said.prompts), said.frames, said.guidance, seeds,
                              task.device).numpy()
    lines = []
    for seed, (text, own) in enumerate(zip(said.prompts, codes, strict=True)):
        name, heard = f"{one.name}_model/{seed + 1:02d}.wav", decode(own)
        sound.write(folder / name, heard, said.sample_rate)
        step = None if one.checkpoint is None else int(one.checkpoint.name.removeprefix("step_"))
        lines.append({"model": one.name, "step": step, "prompt": text, "seed": seed, "file": name,
                      **envelope(heard, said.sample_rate)})
    return lines


def envelope(heard: np.ndarray, rate: int) -> dict[str, float]:
    """`fade`: how much louder (dB) the end of a straight line through the levels is than its beginning; `silence`: share of
    windows below -50 dB of full scale. Sound (samples,) in -1 to 1 of at least two windows."""
    width = round(WINDOW_SECONDS * rate)
    windows = heard[: len(heard) // width * width].reshape(-1, width)
    power = (windows.astype(np.float64) ** 2).mean(axis=1)
    levels = 10 * np.log10(np.maximum(power, 10 ** (QUIETEST_DB / 10)))
    slope = np.polyfit(np.arange(len(levels)), levels, 1)[0]
    return {"fade": round(float(slope * (len(levels) - 1)), 4), "silence": round(float((levels < SILENT_DB).mean()), 4)}


def _audio(line: dict[str, Any]) -> Exhibit:
    title = TITLES[line["model"]]
    return Exhibit(line["file"], "audio", {"zh": f"{title['zh']}：{line['prompt']}", "en": f"{title['en']}: {line['prompt']}"})


def sample(training: Training, folder_of_data: Path, checkpoint: Path, device: torch.device, folder: Path, count: int,
           seed: int, say: Say) -> tuple[Path, ...]:
    """Writes `count` clips, each made alone so that it depends on the seed and its number and nothing else."""
    task = LoraTask(training, folder_of_data, device)
    decode, said, made = decoder(task, folder_of_data), task.config.data, []
    adapter.restore(task.model, checkpoint)
    for index in range(count):
        own = int(np.random.SeedSequence([seed, index]).generate_state(1)[0])
        text = said.prompts[index % len(said.prompts)]
        codes = generate.generate(task.model, task.tokenizer, [text], said.frames, said.guidance, [own], device)[0].numpy()
        path = folder / f"sample_{index + 1:03d}.wav"
        sound.write(path, decode(codes), said.sample_rate)
        say(f"{path.name}: {text}")
        made.append(path)
    return tuple(made)
