"""Figures out of lines: patterns, JSON, numbers with units, files that grow, and lines that say nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract.watching import OUTPUT, Reader
from expc.runtime.supervise.figures import Figure, Figures, Follower, number, read
from expc.runtime.supervise.lines import KEPT, LONGEST, QUOTED, Lines
from expc.runtime.supervise.secrets import without_secrets

TRAIN = Reader(r"step (?P<step>\d+)/\d+ .*loss: (?P<loss>\S+)(?: .*tok/sec: (?P<tokens_per_second>[\d,]+))?", None, {},
               "train", 0)
VALID = Reader(r"valid_loss (?P<valid_loss>\S+)", None, {}, "valid", 1)


@pytest.mark.parametrize(("text", "value"), [
    ("3", 3.0), ("1,234", 1234.0), ("3e-4", 3e-4), ("83%", 0.83), ("1234.5MiB", 1234.5 * 2**20), ("1.5h", 5400.0),
    (0.25, 0.25), (7, 7.0), ("inf", math.inf), ("-1", -1.0)])
def test_numbers(text: object, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "three", None, True, [1], "1.2.3", "12 apples"])
def test_what_is_no_number(text: object) -> None:
    assert number(text) is None


def test_a_pattern_of_named_groups() -> None:
    line = "step 00041/20000 (0.20%) | loss: 3.211000 | lrm: 1.00 | tok/sec: 1,234 | epoch: 1"
    assert read(TRAIN, line) == Figure(42, "train", {"loss": 3.211, "tokens_per_second": 1234.0})
    assert read(TRAIN, "step 00041/20000 | loss: nan").values["loss"] != 0  # type: ignore[union-attr]
    assert math.isnan(read(TRAIN, "step 00041/20000 | loss: nan").values["loss"])  # type: ignore[union-attr]
    assert read(TRAIN, "step 00041/20000 | loss: -") is None
    assert read(TRAIN, "loading") is None


def test_json_lines_with_other_names() -> None:
    reader = Reader(None, OUTPUT, {"step": "trainer/global_step", "loss": "train.loss", "rate": "lr"}, "train", 1)
    line = json.dumps({"trainer/global_step": 12, "train": {"loss": 1.5}, "lr": "n/a"})
    assert read(reader, line) == Figure(12, "train", {"loss": 1.5})
    assert [read(reader, text) for text in ("{", "[1]", "3", '{"train": 3}')] == [None] * 4


@given(st.text(max_size=200))
def test_no_line_is_too_strange(text: str) -> None:
    for reader in (TRAIN, VALID, Reader(None, OUTPUT, {"step": "a.b", "loss": "c"}, "train", 1)):
        found = read(reader, text)
        assert found is None or found.values


def taken(readers: tuple[Reader, ...], lines: list[str], folder: Path = Path("/")) -> list[tuple[int, str, dict[str, float]]]:
    seen: list[tuple[int, str, dict[str, float]]] = []
    figures = Figures(readers, lambda name: folder / name, lambda step, kind, values: seen.append((step, kind, values)))
    for line in lines:
        figures.line(line)
    return seen


def test_a_line_without_a_step_is_of_the_last_one_and_repeats_count_once() -> None:
    bar = "step 4/9 loss: 2.5"
    assert taken((TRAIN, VALID), [bar, bar, "valid_loss 2.25", "step 5/9 loss: 2.5"]) == [
        (5, "train", {"loss": 2.5}), (5, "valid", {"valid_loss": 2.25}), (6, "train", {"loss": 2.5})]
    assert len(taken((TRAIN, VALID), ["step 1/9 loss: 1", "valid_loss 2", "step 2/9 loss: 1", "valid_loss 2"])) == 4


def test_a_file_is_followed_from_where_it_ended_at_the_start(tmp_path: Path) -> None:
    log, seen = tmp_path / "log.jsonl", []
    log.write_text('{"step": 1, "loss": 9}\n')
    reader = Reader(None, "log.jsonl", {"step": "step", "loss": "loss"}, "train", 1)
    figures = Figures((reader,), lambda name: tmp_path / name, lambda *figure: seen.append(figure))
    for text in ('{"step": 2, "lo', 'ss": 8}\n{"step": 3, "loss": 7}\n'):
        with log.open("a") as file:
            file.write(text)
        figures.files()
    assert seen == [(2, "train", {"loss": 8.0}), (3, "train", {"loss": 7.0})]


def test_a_file_that_was_begun_anew_or_is_not_there(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "log")
    assert list(follower.lines()) == []
    follower.path.write_text("one\ntwo\n")
    assert list(follower.lines()) == ["one", "two"]
    follower.path.write_text("new\n")
    assert list(follower.lines()) == ["new"]


@given(st.lists(st.binary(max_size=40)), st.integers(1, 7))
def test_lines_do_not_depend_on_how_they_come(pieces: list[bytes], size: int) -> None:
    whole, whole_lines, cut_lines = b"".join(pieces), Lines(), Lines()
    one = [*whole_lines.feed(whole), *whole_lines.end()]
    parts = (whole[place:place + size] for place in range(0, len(whole), size))
    assert [*(line for part in parts for line in cut_lines.feed(part)), *cut_lines.end()] == one


def test_a_line_without_end_takes_no_memory() -> None:
    lines = Lines()
    for _ in range(160):
        assert list(lines.feed(b"x" * 65_536)) == []
    assert [len(line) for line in lines.feed(b"\nnext\n")] == [LONGEST, 4]
    assert [len(line) for line in lines.last] == [QUOTED, 4]


def test_colours_bars_and_the_last_lines() -> None:
    lines = Lines()
    assert list(lines.feed(b"\x1b[31mloss\x1b[0m 1\r 2%\r\r\n\n")) == ["loss 1", " 2%"]
    list(lines.feed("\n".join(map(str, range(100))).encode()))
    assert len(lines.last) == KEPT and lines.last[-1] == "98"


def test_a_quoted_line_holds_no_secret() -> None:
    environment = {"HF_TOKEN": "hf_abcdef", "HOME": "/root", "API_KEY": "no"}
    assert without_secrets("using hf_abcdef, no, in /root", environment) == "using <HF_TOKEN>, no, in /root"
