"""Clips as codes: generated or a folder of sound in, arrays and a fingerprint out; and the sampler of an epoch's order.

`train.npy` and `valid.npy` (clips, 1 + frames, codebooks) hold codes in int16; a clip's first row is its number of sounding
frames and the number of its prompt. Generated data come with a base that was trained on two other styles, prepared once
beside them, and with held-out clips of those styles (`shown.npy`), by which forgetting is measured.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from expc.compiler.contract import canonical
from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.families.musicgen_lora import Config, Data

from ...files import broken, read_json, seal, sha256_of, whole_folder, write_json
from ...lock import exclusive
from ...sampling import order
from ...workspace import data_folder
from .. import Say
from . import base, codec, sound, styles

ABOUT, CODEC = "about.json", "codec.safetensors"
SHOWN_CLIPS, SHOWN_HELD_OUT = 96, 8
"""Clips of each style that a generated base is trained on, and held out."""
HEADER = 1
WEIGHTS = (".safetensors", ".bin")
"""Endings of the files that transformers keeps weights in."""


def data_key(config: Config, workspace: Path) -> dict[str, Any]:
    """What the prepared clips depend on, of a base in a folder its weights too: neither the mask nor what the evaluation asks
    for changes them."""
    plain = to_plain(config.data)
    for name in ("mask_padding", "prompts", "guidance"):
        del plain[name]
    files = sound.sha256(workspace / str(config.data.path)) if config.data.source == "folder" else None
    own = {"weights": _base_sha256(place)} if isinstance(place := _pretrained(config, workspace), Path) else {}
    return {"family": "musicgen_lora", "data": plain, "files": files, "base": base_key(config) | own}


def base_key(config: Config) -> dict[str, Any]:
    """What a generated base depends on, or the name of a pretrained one; what adapters look like is no part of it."""
    model, data = config.model, config.data
    sizes = {one.name: getattr(model, one.name) for one in dataclasses.fields(model)
             if one.name not in ("rank", "alpha", "dropout", "targets")}
    if model.base is not None:
        return sizes
    sounds = styles.sha256(data.seed, data.audio_seconds, data.sample_rate)
    return sizes | {"sounds": sounds, "audio_seconds": data.audio_seconds, "frame_rate": data.frame_rate,
                    "sample_rate": data.sample_rate, "seed": data.seed, "clips": SHOWN_CLIPS, "trained": base.RECIPE}


def prepare(config: Config, workspace: Path, folder: Path, say: Say) -> dict[str, Any]:
    """Writes the clips into an empty folder, a generated base beside it; returns their fingerprint."""
    place = _base(config, workspace, say)
    if config.data.source == "synthetic":
        prompts, parts = [styles.STYLES[styles.NEW].prompt], generated(config, codec.load(place / CODEC))
    else:
        prompts, parts = sound.encoded_folder(config, workspace, str(place), say)
    for name, clips in parts.items():
        np.save(folder / f"{name}.npy", clips)
    frames = config.data.frames
    write_json(folder / ABOUT, {"base": _written(place, workspace, folder.parent), "prompts": prompts})
    sounding = int(parts["train"][:, 0, 0].sum())
    fingerprint: dict[str, Any] = {
        "tokens": {name: len(clips) * frames for name, clips in parts.items()}, "sounding_frames": sounding,
        "base_sha256": _base_sha256(place),
        "sha256": hashlib.sha256("".join(sha256_of(folder / f"{name}.npy") for name in parts).encode()).hexdigest()}
    share = sounding / fingerprint["tokens"]["train"]
    say(f"{len(parts['train']):,} clips of {frames:,} frames to train on, {len(parts['valid']):,} held out; "
        f"{share:.0%} of the frames sound")
    return fingerprint


def _written(place: Path | str, workspace: Path, beside: Path) -> str:
    """A folder of the workspace relative to the data, so that both can move; another one, or the hub's id, as it is."""
    return os.path.relpath(place, beside) if isinstance(place, Path) and place.is_relative_to(workspace) else str(place)


def _base_sha256(place: Path | str) -> str:
    """The identity of the base's weights: of a folder its files', of the hub's its name."""
    if isinstance(place, str):
        return hashlib.sha256(place.encode()).hexdigest()
    files = sorted(path for path in place.iterdir() if path.suffix in WEIGHTS)
    return hashlib.sha256("".join(sha256_of(path) for path in files).encode()).hexdigest()


def base_of(data: Path) -> str:
    """Folder or hub id of the base that prepared data were made for."""
    name = str(read_json(data / ABOUT)["base"])
    return str((data.parent / name).resolve()) if (data.parent / name).is_dir() else name


def _pretrained(config: Config, workspace: Path) -> Path | str | None:
    """Folder or hub id of a pretrained base; None for a generated one."""
    said = config.model.base
    return place if said is not None and (place := workspace / said).is_dir() else said


def _base(config: Config, workspace: Path, say: Say) -> Any:
    """The base's folder (or the hub's id): a generated one is made once."""
    if (said := _pretrained(config, workspace)) is not None:
        return said
    folder = data_folder(workspace, canonical.sha256(base_key(config)))
    with exclusive(folder.parent / f"{folder.name}.lock", "the base being pretrained", wait=True):
        if not folder.is_dir() or broken(folder):
            with whole_folder(folder) as temporary:
                _make_base(config, temporary, say)
                seal(temporary)
    return folder


def _make_base(config: Config, folder: Path, say: Say) -> None:
    """Codec, and model from the two styles that are shown alone."""
    data, model = config.data, config.model
    say(f"fitting {model.codebooks} codebooks of {model.vocabulary:,} codes")
    made = fitted(config)
    made.save(folder / CODEC)
    codes = {name: shown(config, name, made) for name in styles.SHOWN}
    prompts = [styles.STYLES[name].prompt for name in styles.SHOWN for _ in range(SHOWN_CLIPS)]
    base.pretrain(model, data.sample_rate, np.concatenate([codes[name][:SHOWN_CLIPS] for name in styles.SHOWN]), prompts,
                  data.seed, folder, say)
    held_out = [with_header(codes[name][SHOWN_CLIPS:], codes[name].shape[1], number)
                for number, name in enumerate(styles.SHOWN)]
    np.save(folder / "shown.npy", np.concatenate(held_out))
    write_json(folder / ABOUT, {"prompts": [styles.STYLES[name].prompt for name in styles.SHOWN]})


def fitted(config: Config) -> codec.Codec:
    """A codec from sounds of all styles, as one's own would be: none of them is trained on or held out of the new style,
    nor held out of the others."""
    data, model = config.data, config.model
    sounds = [_clip(data, name, index) for name in styles.STYLES for index in range(SHOWN_CLIPS)]
    return codec.fit(sounds, hop(data), model.codebooks, model.vocabulary, data.seed)


def shown(config: Config, style: str, made: codec.Codec) -> np.ndarray:
    """Codes (clips, frames, codebooks) of a style that a generated base knows, those that are held out at the end."""
    return np.stack([made.encode(_clip(config.data, style, index)) for index in range(SHOWN_CLIPS + SHOWN_HELD_OUT)])


def hop(data: Data) -> int:
    """Samples of sound a frame."""
    return round(data.sample_rate / data.frame_rate)


def _clip(data: Data, style: str, index: int) -> np.ndarray:
    return styles.clip(style, data.seed, index, data.audio_seconds, data.sample_rate)


def generated(config: Config, made: codec.Codec) -> dict[str, np.ndarray]:
    """Train and held-out clips of the new style, padded or cut; those that the codec was fitted on are not among them."""
    data = config.data
    length = round(data.clip_seconds * data.sample_rate)
    parts: dict[str, list[np.ndarray]] = {"train": [], "valid": []}
    for index in range(data.clips + data.held_out):
        one = _clip(data, styles.NEW, SHOWN_CLIPS + SHOWN_HELD_OUT + index)
        codes = made.encode(np.pad(one[:length], (0, max(0, length - len(one)))))
        parts["train" if index < data.clips else "valid"].append(codes)
    sounding = min(data.frames, round(data.audio_seconds * data.frame_rate))
    return {name: with_header(np.stack(codes), sounding, 0) for name, codes in parts.items()}


def with_header(codes: np.ndarray, sounding: int | np.ndarray, prompt: int | np.ndarray) -> np.ndarray:
    """Codes (clips, frames, codebooks) behind a first row of sounding frames and prompt, as int16."""
    header = np.zeros((len(codes), HEADER, codes.shape[2]), dtype=np.int16)
    header[:, 0, 0], header[:, 0, 1] = sounding, prompt
    return np.concatenate([header, codes.astype(np.int16)], axis=1)


@dataclass(frozen=True)
class Clips:
    """Prepared clips, by the numbers of their samples in the order of `seed`."""

    rows: np.ndarray
    seed: int

    def __call__(self, first: int, count: int) -> np.ndarray:
        """Rows (count, 1 + frames, codebooks) of the samples `first` to `first + count - 1`, as int64."""
        return self.rows[[self.index(sample) for sample in range(first, first + count)]].astype(np.int64)

    def sounding(self, first: int, count: int) -> int:
        """Sounding frames of these samples together."""
        return int(sum(self.rows[self.index(sample), 0, 0] for sample in range(first, first + count)))

    def index(self, sample: int) -> int:
        """Which clip the n-th sample of a run is: each once an epoch, in an order of the epoch's own."""
        epoch, place = divmod(sample, len(self.rows))
        return int(_order(self.seed, epoch, len(self.rows))[place])


@functools.lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> np.ndarray:
    return order(count, seed, epoch)


def load(folder: Path, part: str) -> np.ndarray:
    """A prepared part, mapped into memory."""
    return np.load(folder / f"{part}.npy", mmap_mode="r")


def prompts(folder: Path) -> list[str]:
    """The prompts that clips name by number."""
    return [str(one) for one in read_json(folder / ABOUT)["prompts"]]
