"""Whether a LoRA run on MusicGen has one base, frames that come out even, and targets that sound."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.families.musicgen_lora import Config
from ..contract.quantities import duration, percent
from ..diagnostics import Diagnostic
from .subject import Subject

_SPEC = "extends: lora.yaml\n"
CODES = (
    entry(
        "E510",
        "The base or the data lacks its own key, or is given the other one's",
        "`source: folder` reads the clips below `path` and adapts a pretrained `model.base`. `source: synthetic` generates "
        "clips, and trains a base of its own for `model.pretraining_steps` while it prepares them. A run whose base is not "
        "named cannot be repeated, and a key of the other source would be ignored.",
        wrong=_SPEC + "data: {source: folder, path: my_music}",
        right=_SPEC + "data: {source: folder, path: my_music}\nmodel: {base: facebook/musicgen-small, pretraining_steps: null}",
    ),
    entry(
        "E511",
        "Sizes of the base or of a frame that do not come out even",
        "Attention heads share the decoder's width, and one frame of codes stands for a whole number of samples of sound. A "
        "clip has at least one frame, and is no shorter than it sounds.",
        wrong=_SPEC + "data: {sample_rate: 8000, frame_rate: 30}",
        right=_SPEC + "data: {sample_rate: 8000, frame_rate: 25}",
    ),
    entry(
        "E513",
        "A phase with clips of another length",
        "Clips are prepared at one length, `data.clip_seconds`, with their end or their padding. A phase cannot cut them; two "
        "runs with two lengths can.",
        wrong=_SPEC + "phases: [{name: short, to: 100, batch: {sequence_length: 25}}]\nschedule: {rate_rule: keep}",
        right=_SPEC + "phases: [{name: small, to: 100, batch: {rows: 2}}]\nschedule: {rate_rule: keep}",
    ),
    entry(
        "W510",
        "Padded silence counts as something to learn",
        "Clips are padded to `data.clip_seconds`. With `mask_padding: false` the silence behind them is a target like any "
        "other, and the model learns to fall silent; its loss even looks better, since silence is easy to predict. Mask it, "
        "or make clips no longer than they sound.",
        wrong=_SPEC + "data: {clip_seconds: 4s, mask_padding: false}\nbatch: {total_tokens: 400}",
        right=_SPEC + "data: {clip_seconds: 4s, mask_padding: true}\nbatch: {total_tokens: 400}",
    ),
)
_NEEDS = {"folder": ("data.path", "model.base"), "synthetic": ("model.pretraining_steps",)}


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Keys by source, sizes of base and frame, and the share of the targets that is padding."""
    if not isinstance(config := subject.experiment.training.config, Config):
        return
    yield from _keys(subject, config)
    yield from _sizes(subject, config)
    data = config.data
    for index, phase in enumerate(subject.resolved.plain().get("phases", [])):
        length = phase.get("batch", {}).get("sequence_length", data.frames)
        if length != data.frames:
            yield subject.finding("E513", f"{phase['name']} cuts clips to {length:,} frames, they are prepared with "
                                  f"{data.frames:,}", f"phases.{index}.batch.sequence_length", "take it out")
    if data.padding and not data.mask_padding:
        figures = {"audio": duration(data.audio_seconds), "clip": duration(data.clip_seconds), "share": percent(data.padding)}
        yield subject.warning("W510", "data.mask_padding", figures, "write mask_padding: true",
                              ["data.audio_seconds", "data.clip_seconds"])


def _keys(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    source = config.data.source
    for owner, keys in _NEEDS.items():
        for key in keys:
            section, _, name = key.partition(".")
            given = getattr(getattr(config, section), name) is not None
            if owner == source and not given:
                yield subject.finding("E510", f"source {source} needs {key}", "data.source", f"add {key}")
            if owner != source and given:
                yield subject.finding("E510", f"source {source} does not use {key}", key,
                                      f"delete it (in an inheriting spec: `{name}: null`)", ["data.source"])


def _sizes(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    model, data = config.model, config.data
    if model.dim % model.heads:
        yield subject.finding("E511", f"{model.heads} heads cannot share dim {model.dim}", "model.heads", also=["model.dim"])
    if data.sample_rate % data.frame_rate:
        yield subject.finding("E511", f"a frame would have {data.sample_rate / data.frame_rate:g} samples of sound",
                              "data.frame_rate", also=["data.sample_rate"])
    if data.clip_seconds < data.audio_seconds:
        yield subject.finding("E511", f"clips of {data.clip_seconds:g} s cannot sound for {data.audio_seconds:g} s",
                              "data.clip_seconds", "sound is cut to data.audio_seconds: shorten that", ["data.audio_seconds"])
    if not data.frames:
        yield subject.finding("E511", f"{data.clip_seconds:g} s at {data.frame_rate:g} frames a second are no frame",
                              "data.clip_seconds", also=["data.frame_rate"])
