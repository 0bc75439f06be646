"""`expc watch` on a pseudo terminal and without one: what the screen shows, how it ends, what it leaves behind."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyte
import pytest

from expc.runtime.errors import DONE, FAILED, MISUSED
from expc.runtime.live.screen import LEFT
from tests.runtime import processes, toy_family

ROOT = Path(__file__).parents[3]
CODE = ("import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from tests.runtime import toy_family\n"
        "from expc.runtime.cli import main\n"
        "with toy_family.registered():\n    main()")
PATIENCE = 60.0


class Terminal:
    """A command on a terminal of its own, and what it shows."""

    def __init__(self, workspace: Path, *arguments: str, columns: int = 80, rows: int = 24, term: str = "xterm") -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream, self.bytes = pyte.ByteStream(self.screen), b""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(workspace)
            os.environ |= {"TERM": term, "COLUMNS": "80", "LINES": "24"}
            os.execv(sys.executable, [sys.executable, "-c", CODE, str(ROOT), *arguments])
        self.resize(columns, rows)
        self.modes = termios.tcgetattr(self.master)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def wait_until(self, true: Callable[[str], bool]) -> str:
        """Reads until the text on the screen is as wanted, and gives it."""
        ends = time.monotonic() + PATIENCE
        while not true(self.text) and time.monotonic() < ends and self._read():
            continue
        assert true(self.text), self.text
        return self.text

    def end(self) -> int:
        """Reads to the end. Returns the exit code."""
        while self._read():
            continue
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def _read(self) -> bool:
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other side is closed
            return False
        self.bytes += data
        self._stream.feed(data)
        return bool(data)


@pytest.fixture
def training(toy: Path) -> Iterator[processes.Process]:
    """A run of several seconds in two phases."""
    made = toy_family.with_model(toy_family.training(1000), delay=0.01)
    process = processes.start(toy, toy_family.experiment(toy_family.phased(made, 500)))
    process.wait_until(lambda: (toy / "runs" / "toy" / "events.jsonl").exists())
    yield process
    process.signal(signal.SIGKILL)
    process.end()


@pytest.mark.usefixtures("training")
def test_a_run_that_trains_is_followed_at_any_size_and_left_with_q(toy: Path) -> None:
    terminal = Terminal(toy, "watch")
    shown = terminal.wait_until(lambda text: "valid_loss" in text and "left, trained about" in text and "q leaves" in text)
    lines = shown.splitlines()
    assert lines[0] == "toy: training" and "━" in lines[1] and "┃" in lines[1]
    assert "of 1,000 (" in lines[2] and lines[2].endswith("phase 1 of 2: first") and "tokens/s" in shown
    terminal.resize(40, 10)
    small = terminal.wait_until(lambda text: len(text.splitlines()) == 10 and "…" in text and "valid_loss" in text)
    assert small.splitlines()[0] == "toy: training" and "q leaves" not in small
    before = small.splitlines()[2]
    terminal.wait_until(lambda text: text.splitlines()[2] != before)
    assert b"\x1b[2J" not in terminal.bytes.split(b"\x1b[?1049h", 1)[1]  # nothing is ever cleared: no flicker
    terminal.type(b"q")
    assert terminal.end() == LEFT
    assert terminal.bytes.count(b"\x1b[?1049h") == terminal.bytes.count(b"\x1b[?1049l") == 1
    assert terminal.bytes.rindex(b"\x1b[?25h") > terminal.bytes.rindex(b"\x1b[?25l")
    assert "left toy at step" in terminal.text


@pytest.mark.parametrize("how", ["keys", "signal"])
@pytest.mark.usefixtures("training")
def test_leaving_gives_the_terminal_back(toy: Path, how: str) -> None:
    terminal = Terminal(toy, "watch", "toy")
    terminal.wait_until(lambda text: "toy: training" in text)
    assert not termios.tcgetattr(terminal.master)[3] & termios.ECHO
    if how == "keys":
        terminal.type(b"\x03")
    else:
        os.kill(terminal.pid, signal.SIGTERM)
    copy = os.dup(terminal.master)
    assert terminal.end() == LEFT
    assert termios.tcgetattr(copy)[3] == terminal.modes[3]
    os.close(copy)


def test_it_ends_with_the_run_and_as_the_run_did(toy: Path, training: processes.Process) -> None:
    terminal = Terminal(toy, "watch", "toy")
    terminal.wait_until(lambda text: "toy: training" in text)
    training.signal(signal.SIGKILL)
    assert terminal.end() == FAILED and "toy: killed" in terminal.text
    record = json.loads((toy / "runs" / "toy" / "record.json").read_text())
    assert record["outcome"] == "running"  # who watches writes nothing


def test_without_a_terminal_it_writes_lines(toy: Path) -> None:
    made = toy_family.with_model(toy_family.training(300), delay=0.01)
    process = processes.start(toy, toy_family.experiment(made))
    process.wait_until(lambda: (toy / "runs" / "toy" / "events.jsonl").exists())
    code, log = processes.command(toy, "watch")
    assert process.end()[0] == DONE and code == DONE, log
    lines = log.splitlines()
    assert len(lines) >= 2 and "toy  running  step" in lines[0] and "\x1b" not in log
    assert "toy  done  step 300 of 300 (100%)" in lines[-1]


def test_a_dumb_terminal_gets_lines_too(toy: Path) -> None:
    assert processes.run(toy, toy_family.experiment(toy_family.training(20)))[0] == DONE
    terminal = Terminal(toy, "watch", "toy", term="dumb")
    assert terminal.end() == DONE and b"\x1b" not in terminal.bytes and "toy  done  step 20 of 20 (100%)" in terminal.text


def test_a_finished_run_is_shown_and_its_exit_code_given(toy: Path) -> None:
    assert processes.run(toy, toy_family.experiment(toy_family.training(20)))[0] == DONE
    terminal = Terminal(toy, "watch", "toy", rows=40)
    assert terminal.end() == DONE
    assert "toy: done" in terminal.text and "step 20 of 20 (100%)" in terminal.text and "done at step 20" in terminal.text
    code, log = processes.command(toy, "watch", "toy", "--json")
    assert code == DONE and json.loads(log)["outcome"] == "done"


def test_it_can_stay_when_a_run_has_ended_which_goes_on(toy: Path) -> None:
    made = toy_family.experiment(toy_family.with_model(toy_family.training(60), delay=0.02))
    process = processes.start(toy, made)
    process.wait_until(lambda: (toy / "runs" / "toy" / "checkpoints" / "step_000010").is_dir())
    process.signal(signal.SIGTERM)
    process.end()
    terminal = Terminal(toy, "watch", "--stay", "toy")
    terminal.wait_until(lambda text: "toy: interrupted" in text)
    assert processes.run(toy, made)[0] == DONE
    terminal.wait_until(lambda text: "toy: done" in text)
    terminal.type(b"q")
    assert terminal.end() == LEFT


def test_what_cannot_be_watched_is_said(toy: Path) -> None:
    code, log = processes.command(toy, "watch")
    assert code == MISUSED and "no run trains now; name one: expc watch RUN" in log
    code, log = processes.command(toy, "watch", "../toy")
    assert code == MISUSED and "there is no run ../toy" in log
    (toy / "runs" / "empty").mkdir(parents=True)
    code, log = processes.command(toy, "watch", "empty", "--once")
    assert code == DONE and "empty: waiting: nothing has been trained yet" in log


def test_what_a_stop_leaves_ends_as_the_run_did(toy: Path, training: processes.Process) -> None:
    training.wait_until(lambda: (toy / "runs" / "toy" / "checkpoints" / "step_000010").exists())
    training.signal(signal.SIGTERM)
    code, log = training.end()
    assert code == processes.command(toy, "watch", "toy")[0] == 75, log


def odd(folder: Path, record: Any) -> None:
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps({"format": "expc.run/1", **record}))
    (folder / "metrics.jsonl").write_bytes(b'{"step": -3, "kind": ["valid"], "loss": "x"}\nnull\n{"step": 1, "kind": 3}\n')
    (folder / "events.jsonl").write_text(json.dumps({"time": 5, "event": "\x1b[2J", "step": None, "why": "\u202e"}) + "\n")


@pytest.mark.parametrize("record", [{"outcome": "failed", "stages": [1], "guards": [3, {"guard": 5}]},
                                    {"outcome": 7, "attempts": {}}])
def test_odd_content_is_shown_as_far_as_it_goes(toy: Path, record: dict[str, Any]) -> None:
    odd(toy / "runs" / "odd", record)
    code, log = processes.command(toy, "watch", "odd", "--once")
    assert code == FAILED and "Traceback" not in log and "\x1b" not in log and "\\u001b" in log and "\u202e" not in log
