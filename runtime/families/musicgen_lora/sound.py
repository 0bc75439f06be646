"""Audio files: a folder of them with a prompt beside each in, codes by the base's own audio encoder out; and wav files back.

A prompt is the text of `<name>.txt` beside `<name>.wav` (or .flac, .ogg, .mp3). Files of another rate are resampled,
several channels become their mean.
"""

from __future__ import annotations

import hashlib
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import torch

from expc.compiler.contract.families.musicgen_lora import Config, Data

from ...errors import UserError
from ...files import sha256_of
from .. import Say

ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
SAY_EVERY = 100


def files(folder: Path) -> list[Path]:
    """The sound files of a folder and those below it, by name. Raises UserError where there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS) if folder.is_dir() else []
    if not found:
        raise UserError(f"{folder} holds no sound ({', '.join(ENDINGS)}); put clips there, each with its prompt in a .txt "
                        "file of the same name, or change data.path")
    return found


def sha256(folder: Path) -> str:
    """SHA-256 over names, sounds and prompts."""
    lines = [f"{path.relative_to(folder).as_posix()} {sha256_of(path)} {prompt(path)}" for path in files(folder)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def prompt(path: Path) -> str:
    """The prompt beside a sound file. Raises UserError where there is none."""
    text = path.with_suffix(".txt")
    words = text.read_text(encoding="utf-8").strip() if text.is_file() else ""
    if not words:
        raise UserError(f"{text} is missing or empty: it has to hold the prompt of {path.name}")
    return words


def read(path: Path, data: Data) -> np.ndarray:
    """The first `audio_seconds` of a file at the spec's rate, one channel (samples,): what is behind them would stand where the
    spec says that padding is. Raises UserError."""
    import soundfile
    from scipy.signal import resample_poly

    try:
        wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path} cannot be read as sound: {error}") from error
    mono = wave.mean(axis=1)
    if rate != data.sample_rate:
        shared = gcd(rate, data.sample_rate)
        mono = resample_poly(mono, data.sample_rate // shared, rate // shared)
    return np.asarray(mono[: round(data.audio_seconds * data.sample_rate)], dtype=np.float32)


def write(path: Path, sound: np.ndarray, rate: int) -> None:
    """16-bit wav of sound (samples,) in -1 to 1; what is louder is cut off there."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(sound, -1, 1), rate, subtype="PCM_16")


def encoded_folder(config: Config, workspace: Path, place: str, say: Say) -> tuple[list[str], dict[str, np.ndarray]]:
    """(prompts, clips by part) of a folder; the seed decides which clips are held out. Raises UserError."""
    from . import base
    from .data import with_header

    data, paths = config.data, files(workspace / str(config.data.path))
    if len(paths) != data.clips + data.held_out:
        raise UserError(f"{data.path} holds {len(paths):,} clips; data.clips {data.clips:,} and data.held_out "
                        f"{data.held_out:,} together have to be as many")
    model, _ = base.load(place)
    base.check(model, config.model, place)
    if (rate := model.config.audio_encoder.sampling_rate) != data.sample_rate:
        raise UserError(f"the base's audio encoder takes {rate:,} samples a second; write data.sample_rate: {rate}")
    words = np.random.PCG64(data.seed).random_raw(len(paths))
    paths = [paths[index] for index in np.argsort(words, kind="stable")]
    texts = [prompt(path) for path in paths]
    known = sorted(set(texts))
    codes, lengths = [], []
    for number, path in enumerate(paths):
        if number % SAY_EVERY == 0:
            say(f"encoding clips: {number:,} of {len(paths):,}")
        found, sounding = encode(model, read(path, data), data)
        codes.append(found)
        lengths.append(sounding)
    rows = with_header(np.stack(codes), np.asarray(lengths), np.asarray([known.index(text) for text in texts]))
    return known, {"train": rows[: data.clips], "valid": rows[data.clips :]}


@torch.no_grad()
def encode(model: Any, wave: np.ndarray, data: Data) -> tuple[np.ndarray, int]:
    """(codes (frames, codebooks) of a clip padded with silence, frames that sound) by the base's audio encoder."""
    length = round(data.clip_seconds * data.sample_rate)
    padded = torch.from_numpy(np.pad(wave, (0, length - len(wave))))[None, None]
    codes = model.audio_encoder.encode(padded).audio_codes[0, 0, :, : data.frames].T.cpu().numpy()
    books = model.config.decoder.num_codebooks
    if codes.shape != (data.frames, books):
        raise UserError(f"the base's audio encoder makes {codes.shape[0]:,} frames of {codes.shape[1]} codes of "
                        f"{data.clip_seconds:g} s; by data.frame_rate and model.codebooks they are {data.frames:,} of {books}")
    return codes, min(data.frames, round(len(wave) / data.sample_rate * data.frame_rate))


@torch.no_grad()
def decode(model: Any, codes: np.ndarray) -> np.ndarray:
    """Sound (samples,) of codes (frames, codebooks) by the base's audio encoder."""
    device = next(model.audio_encoder.parameters()).device
    ids = torch.from_numpy(np.asarray(codes, dtype=np.int64).T)[None, None].to(device)
    return np.asarray(model.audio_encoder.decode(ids, [None]).audio_values[0, 0].float().cpu())
