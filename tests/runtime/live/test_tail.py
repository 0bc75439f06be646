"""Journals that grow, are torn, are cut back or are large; and curves and frames of what they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from expc.compiler.contract import snapshot
from expc.compiler.contract.files import write_atomic
from expc.runtime.journal import Metrics
from expc.runtime.live import tail as module
from expc.runtime.live.frame import frame
from expc.runtime.live.series import BLOCKS, MOST, Series, columns, sparkline
from expc.runtime.live.tail import Tail
from expc.runtime.live.view import View
from tests.runtime import toy_family


def steps(tail: Tail) -> list[int]:
    return [line["step"] for line in tail.read()]


def test_only_what_was_appended_is_read_and_a_torn_line_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    tail = Tail(path, b'"valid"')
    assert steps(tail) == []
    path.write_text('{"step": 1}\n{"st')
    assert steps(tail) == [1] and tail.restarted
    with path.open("a") as file:
        file.write('ep": 2}\n')
    assert steps(tail) == [2] and not tail.restarted
    assert steps(tail) == []


def test_a_journal_that_is_cut_back_is_read_anew(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.jsonl", 0)
    for step in range(1, 11):
        metrics.write(step, "train", {"loss": 1.0 * step})
    metrics.flush()
    view = View(tmp_path)
    assert view.step == 10
    metrics.rewind(4)
    for step in range(5, 8):
        metrics.write(step, "train", {"loss": 100.0 * step})
    metrics.flush()
    view.refresh()
    assert [step for step, _ in view.loss.points] == [1, 2, 3, 4, 5, 6, 7] and view.latest[-1] == (7, 700.0)
    metrics.rewind(0)
    view.refresh()
    assert (view.step, view.loss.points) == (0, [])
    metrics.close()


def test_a_plan_that_a_later_attempt_brought_is_read(toy: Path) -> None:
    view = View(toy)
    assert view.facts.experiment is None
    for steps in (20, 30):
        made = toy_family.experiment(toy_family.training(steps))
        write_atomic(toy / "snapshot.json", snapshot.dumps(made))
        view.refresh()
        assert view.facts.experiment == made
    before = view.facts.experiment
    view.refresh()
    assert view.facts.experiment is before  # read once


def test_of_a_large_journal_samples_all_validations_and_the_end_are_read(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE", 100_000)
    monkeypatch.setattr(module, "END", 10_000)
    monkeypatch.setattr(module, "SAMPLES", 50)
    lines: list[dict[str, Any]] = []
    for step in range(1, 20_001):
        lines.append({"step": step, "kind": "train", "loss": 1 / step})
        if step % 1000 == 0:
            lines.append({"step": step, "kind": "valid", "loss": 1 / step})
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    tail = Tail(path, b'"valid"')
    read = list(tail.read())
    assert [line for line in read if line["kind"] == "valid"] == [line for line in lines if line["kind"] == "valid"]
    assert 50 < len(read) < 500 and read[-100:] == lines[-100:]
    assert sorted(read, key=lambda line: line["step"]) == read
    with path.open("a") as file:
        file.write('{"step": 20001}\n')
    assert steps(tail) == [20_001]


def test_a_series_stays_small_and_spans_the_run() -> None:
    series = Series()
    for step in range(100_000):
        series.add(step, float(step))
    assert MOST // 2 <= len(series.points) <= MOST and series.points[0] == (0, 0.0) and series.points[-1][0] > 99_000


@given(st.lists(st.floats(-1e100, 1e100), max_size=50), st.integers(0, 30))
def test_a_sparkline_has_one_block_a_column_from_the_lowest_to_the_highest(values: list[float], width: int) -> None:
    points = list(enumerate(values))
    line = sparkline(points, width)
    assert len(line) == len(columns(points, min(width, len(points)))) <= width and set(line) <= {*BLOCKS, " "}
    if len(set(line) - {" "}) > 1:
        assert BLOCKS[0] in line and BLOCKS[-1] in line


def test_columns_are_means_and_gaps_stay_gaps() -> None:
    assert columns([(0, 1.0), (1, 3.0), (8, 5.0), (9, 7.0)], 3) == [2.0, None, 6.0]
    assert sparkline([(0, 1.0), (1, 1.0)], 10) == "▁▁"


@pytest.mark.parametrize("width, height", [(80, 24), (40, 10), (20, 3), (1, 1)])
def test_a_frame_fits_its_window_with_wide_characters_too(tmp_path: Path, width: int, height: int) -> None:
    folder = tmp_path / "runs" / "d8"
    folder.mkdir(parents=True)
    guards = [{"guard": "损失突增", "when": "loss > 10 和 更多的文字" * 5, "step": 5, "done": "warned"}]
    (folder / "record.json").write_text(json.dumps({"format": "expc.run/1", "outcome": "done", "step": 9, "guards": guards}))
    (folder / "events.jsonl").write_text('{"event": "阶段", "name": "预热预热预热预热预热"}\n' * 30)
    lines = frame(View(folder), width, height)
    assert 0 < len(lines) <= height and max(cell_len(line.plain) for line in lines) <= width
    assert lines[0].plain[0] in "d…"
    if width >= 40:
        assert any("guard    损失突增" in line.plain for line in lines)


def test_a_large_journal_is_read_whole_where_nothing_may_be_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE", 1000)
    monkeypatch.setattr(module, "PIECE", 7)
    lines = [{"step": step} for step in range(500)]
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 5')
    tail = Tail(path, b"", samples=False)
    assert list(tail.read()) == lines
    with path.open("a") as file:
        file.write("00}\n")
    assert list(tail.read()) == [{"step": 500}]
