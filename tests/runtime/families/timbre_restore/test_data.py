"""Preparation: shards that can be killed, made twice at once and gone on with; files and what they are cut into; samples."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import correlate

from expc.compiler.contract.families.timbre_restore import Config, Data, Degradation
from expc.runtime.errors import UserError
from expc.runtime.families.timbre_restore import audio, data, shards
from expc.runtime.families.timbre_restore.shards import Excerpt, Shard
from tests.runtime.families.timbre_restore.small import SOUND, model, prepared, training

GENTLE = Degradation((1500.0, 1500.0), (1.0, 1.0), (60.0, 60.0))
SPAWN = multiprocessing.get_context("spawn")


def plan(count: int, clips: int = 4) -> list[Shard]:
    return [Shard(index, tuple(Excerpt(index * clips + n, None, 0) for n in range(clips)), "", 8000, 2048, 5, SOUND.degradation)
            for index in range(count)]


def quiet(text: str) -> None:
    """Says nothing."""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("shard_*"))}


def test_the_degradation_keeps_time() -> None:
    clean = audio.played(5, 1, 8000, 4096)
    dull, figures = audio.degraded(clean, 8000, GENTLE, audio.numbers(5, 1, 1))
    assert int(np.argmax(correlate(dull, clean, mode="full"))) == len(clean) - 1
    assert figures == {"cutoff": 1500.0, "drive": 1.0, "snr": 60.0}


def test_the_low_pass_takes_what_lies_above_it() -> None:
    noise = audio.numbers(1, 1, 1).standard_normal(1 << 15) * 0.1
    dull, _ = audio.degraded(noise, 8000, GENTLE, audio.numbers(1, 2, 1))
    before, after = (np.abs(np.fft.rfft(one)) for one in (noise, dull))
    third = len(before) // 4  # of 4,000 Hz: 1,000 Hz
    assert after[:third].mean() > 0.9 * before[:third].mean() and after[3 * third:].mean() < 0.02 * before[3 * third:].mean()


def test_excerpts_depend_on_seed_and_number_alone(tmp_path: Path) -> None:
    for name, parts in (("one", plan(2)), ("two", [dataclasses.replace(plan(1, 8)[0])])):
        (tmp_path / name).mkdir()
        shards.make_all(parts, tmp_path / name, 1, quiet)
    split = np.concatenate([np.load(shards.array(tmp_path / "one", index)) for index in (0, 1)])
    assert np.array_equal(split, np.load(shards.array(tmp_path / "two", 0)))
    assert len({pair.tobytes() for pair in split}) == 8


def make_slowly(parts: list[Shard], folder: Path) -> None:
    """What a killed preparation does: one shard after another, with time to be killed in between."""
    for one in parts:
        shards.make(one, folder)
        time.sleep(0.02)


def test_a_killed_preparation_is_gone_on_with(tmp_path: Path) -> None:
    whole, broken, parts = tmp_path / "whole", tmp_path / "broken", plan(30)
    whole.mkdir(), broken.mkdir()
    process = SPAWN.Process(target=make_slowly, args=(parts, broken))
    process.start()
    deadline = time.monotonic() + 60
    while len(list(broken.glob("shard_*.jsonl"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.002)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    before = {path.name: path.stat().st_mtime_ns for path in broken.glob("shard_*.jsonl")}
    assert 3 <= len(before) < 30
    said: list[str] = []
    shards.make_all(parts, broken, 1, said.append)
    assert said[0] == f"{len(before)} of 30 shards are there already"
    assert before.items() <= {path.name: path.stat().st_mtime_ns for path in broken.glob("shard_*.jsonl")}.items()
    shards.make_all(parts, whole, 1, quiet)
    assert contents(whole) == contents(broken)


def test_two_that_prepare_the_same_at_once_disturb_nobody(tmp_path: Path) -> None:
    both, alone, parts = tmp_path / "both", tmp_path / "alone", plan(12)
    both.mkdir(), alone.mkdir()
    pair = [SPAWN.Process(target=make_slowly, args=(parts, both)) for _ in range(2)]
    for process in pair:
        process.start()
    for process in pair:
        process.join(120)
    assert [process.exitcode for process in pair] == [0, 0]
    shards.make_all(parts, alone, 1, quiet)
    assert contents(both) == contents(alone)
    assert [path.name for path in both.iterdir() if path.name.startswith(".")] == []


def test_several_processes_make_what_one_makes(tmp_path: Path) -> None:
    several, one, parts = tmp_path / "several", tmp_path / "one", plan(4)
    several.mkdir(), one.mkdir()
    shards.make_all(parts, several, 2, quiet)
    shards.make_all(parts, one, 1, quiet)
    assert contents(several) == contents(one) and len(contents(one)) == 8


@pytest.mark.parametrize(("said", "count"), [("3", 3), ("", len(os.sched_getaffinity(0)))])
def test_the_environment_says_how_many_processes(said: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(shards.PROCESSES, said)
    assert shards.processes() == count


@pytest.mark.parametrize("said", ["many", "0", "-1", "1.5"])
def test_a_number_of_processes_that_is_none_is_said(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(shards.PROCESSES, said)
    with pytest.raises(UserError, match="whole number of at least 1"):
        shards.processes()


def test_lists_are_joined_and_say_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "SHARD", 5)
    monkeypatch.setenv(shards.PROCESSES, "1")
    folder = prepared(training(), tmp_path / "data")
    train, valid = ([json.loads(line) for line in (folder / f"{part}.jsonl").read_text().splitlines()]
                    for part in ("train", "valid"))
    assert [line["number"] for line in (*train, *valid)] == list(range(16)) and len(valid) == 4
    assert all(1000 <= line["cutoff"] <= 2000 and 10 <= line["snr"] <= 20 for line in train)
    pairs = data.load(folder)
    assert pairs.take(np.asarray([0, 4, 5, 15])).shape == (4, 2, 2048)
    assert data._about(training().config, data.planned(training().config, tmp_path), folder)["tokens"] == {
        "train": 12 * 2048, "valid": 4 * 2048}


def test_shards_stay_until_the_data_are_whole_and_go_after_that(tmp_path: Path) -> None:
    folder = prepared(training(), tmp_path / "data")
    assert (tmp_path / "data.shards").is_dir()
    data._forget(tmp_path)
    assert not (tmp_path / "data.shards").exists() and len(data.load(folder).arrays) == 1


def music(folder: Path, files: dict[str, tuple[int, int]]) -> Config:
    """A folder of files by name, each with (frames, rate)."""
    for name, (frames, rate) in files.items():
        path = folder / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, audio.played(1, len(name), rate, frames)[:, None].repeat(2, 1), rate)
    sound = Data("folder", "music", 4, 2, 5, GENTLE)
    return Config(model(), sound)


def test_files_are_cut_and_held_out_whole(tmp_path: Path) -> None:
    config = music(tmp_path, {"a.wav": (9000, 8000), "deep/b.flac": (3 * 4096 + 5, 16000), "c.WAV": (8000, 8000),
                              "short.wav": (100, 8000)})
    folder = tmp_path / "data"
    folder.mkdir()
    data.prepare(config, tmp_path, folder, quiet)
    train, valid = ([json.loads(line) for line in (folder / f"{part}.jsonl").read_text().splitlines()]
                    for part in ("train", "valid"))
    assert len(train) == 4 and len(valid) == 2
    assert not {line["file"] for line in train} & {line["file"] for line in valid}
    line = next(line for line in (*train, *valid) if line["file"].endswith("b.flac"))
    read = audio.read(tmp_path / "music" / "deep" / "b.flac", 8000)
    number = [*train, *valid].index(line)
    clean = data.load(folder).take(np.asarray([number]))[0, 1]
    assert np.allclose(clean, read[line["cut"] * 2048:(line["cut"] + 1) * 2048], atol=1e-4)


def test_too_few_files_are_said_before_anything_is_made(tmp_path: Path) -> None:
    config = music(tmp_path, {"a.wav": (3 * 2048, 8000), "b.wav": (2048, 8000)})
    with pytest.raises(UserError, match=r"2 files in music hold 4 excerpts"):
        data.planned(config, tmp_path)


@pytest.mark.parametrize("name", ["broken.wav", "empty.flac"])
def test_a_file_that_is_no_audio_is_named(name: str, tmp_path: Path) -> None:
    config = music(tmp_path, {"a.wav": (9000, 8000)})
    (tmp_path / "music" / name).write_bytes(b"" if "empty" in name else b"RIFF no audio")
    with pytest.raises(UserError, match=name):
        data.planned(config, tmp_path)


def test_a_folder_without_audio_is_said(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    with pytest.raises(UserError, match="no .wav or .flac file"):
        data.planned(Config(model(), Data("folder", "music", 4, 2, 5, GENTLE)), tmp_path)


def test_an_edited_file_is_other_data(tmp_path: Path) -> None:
    config = music(tmp_path, {"a.wav": (9000, 8000), "b.wav": (9000, 8000)})
    before = data.sources_sha256(config, tmp_path)
    assert before == data.sources_sha256(config, tmp_path)
    music(tmp_path, {"a.wav": (9001, 8000)})
    assert before != data.sources_sha256(config, tmp_path)


@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.integers(0, 200), st.integers(1, 60))
def test_every_excerpt_comes_once_an_epoch(clips: int, seed: int, first: int, count: int) -> None:
    sampler = data.Sampler(clips, seed)
    numbers = sampler.numbers(0, 3 * clips)
    assert all(sorted(numbers[epoch * clips:(epoch + 1) * clips]) == list(range(clips)) for epoch in range(3))
    again = data.Sampler(clips, seed)
    parts = [again.numbers(first + n, 1)[0] for n in range(count)]
    assert parts == data.Sampler(clips, seed).numbers(first, count).tolist()
