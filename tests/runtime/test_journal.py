"""Metrics and events survive kills, torn lines and values that JSON does not have."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from expc.runtime.journal import Metrics, event, read_lines


def written(path: Path, steps: range) -> Path:
    metrics = Metrics(path, 0)
    for step in steps:
        metrics.write(step, "train", {"loss": 1.0 / step})
    metrics.close()
    return path


def test_lines_after_the_resumed_step_go(tmp_path: Path) -> None:
    path = written(tmp_path / "run" / "metrics.jsonl", range(1, 11))
    Metrics(path, 6).close()
    assert [line["step"] for line in read_lines(path)] == [1, 2, 3, 4, 5, 6]


@given(cut=st.integers(0, 400))
def test_a_file_cut_anywhere_reads_and_goes_on(tmp_path_factory, cut: int) -> None:
    path = written(tmp_path_factory.mktemp("cut") / "metrics.jsonl", range(1, 11))
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    kept = [line["step"] for line in read_lines(path)]
    assert kept == list(range(1, whole[:cut].count(b"\n") + 1))
    metrics = Metrics(path, 100)
    metrics.write(50, "train", {"loss": 0.5})
    metrics.close()
    assert [line["step"] for line in read_lines(path)] == [*kept, 50]
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_what_is_not_finite_becomes_null(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.jsonl", 0)
    metrics.write(1, "train", {"loss": 1.0, "gradient_norm": float("inf")})
    metrics.close()
    assert '"gradient_norm": null' in (tmp_path / "metrics.jsonl").read_text()


def test_sync_reaches_the_file_without_closing(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.jsonl", 0)
    metrics.write(1, "train", {"loss": 1.0})
    metrics.sync()
    assert [line["step"] for line in read_lines(tmp_path / "metrics.jsonl")] == [1]
    metrics.close()


def test_events_are_appended_with_the_time(tmp_path: Path) -> None:
    event(tmp_path / "run", "started", step=0)
    event(tmp_path / "run", "checkpoint", step=10, folder="step_000010")
    first, second = read_lines(tmp_path / "run" / "events.jsonl")
    assert (first["event"], second["event"], second["folder"]) == ("started", "checkpoint", "step_000010")
    assert first["time"].endswith("+00:00")


def test_no_file_has_no_lines(tmp_path: Path) -> None:
    assert list(read_lines(tmp_path / "metrics.jsonl")) == []


@given(cut=st.integers(0, 200))
def test_an_event_behind_a_torn_one_is_whole(tmp_path_factory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("events")
    event(folder, "started", step=0, source="fresh")
    path = folder / "events.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    event(folder, "guard", guard="é")
    assert list(read_lines(path))[-1]["guard"] == "é"
    assert len(list(read_lines(path))) == 1 + (len(whole[:cut]) >= len(whole) - 1)
