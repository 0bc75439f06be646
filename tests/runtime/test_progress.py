"""Progress: one rewritten line on a terminal, plain lines now and then in a log."""

from __future__ import annotations

import pytest

from expc.runtime import progress
from expc.runtime.progress import Progress


class Clock:
    """A clock that tests move."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def test_a_log_gets_a_line_every_ten_seconds(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    shown = Progress("step", 500, 1500)
    for step in range(501, 1501):
        clock.now += 0.03
        shown.show(step, "loss 1.0")
    lines = capsys.readouterr().err.splitlines()
    assert 3 <= len(lines) <= 4 and "\x1b" not in "".join(lines)
    assert lines[1].startswith("step 835/1,500 (56%)  loss 1.0") and lines[1].endswith("20 s left")


def test_a_terminal_gets_one_line_that_is_rewritten(
        clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Progress("step", 0, 10)
    monkeypatch.setattr(shown, "terminal", True)
    for step in range(1, 4):
        clock.now += 1.0
        shown.show(step, "loss 1.0")
    shown.say("saved")
    text = capsys.readouterr().err
    assert text.count("\n") == 1 and text.count("\r\x1b[2K") == 4 and text.endswith("\r\x1b[2Ksaved\n")
