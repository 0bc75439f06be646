"""Stopping the bash launcher: the stage is told once, is given the time to save, and the same command goes on."""

from __future__ import annotations

import dataclasses
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from expc.compiler.contract.training import Batch
from tests.fixtures.experiments import d8_depth_v2
from tests.launchers.launching import STAGES, Workspace

Make = Callable[..., Workspace]


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Waits for a condition, so many seconds at most."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def _hears_signals() -> None:
    """A shell started by nohup, or in the background of a script, would be deaf to some of them for good."""
    for one in (signal.SIGHUP, signal.SIGINT):
        signal.signal(one, signal.SIG_DFL)


@contextmanager
def started(made: Workspace, *arguments: str, at: str = "train", **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A launcher in a process group of its own whose stage `at` waits for a signal."""
    process = subprocess.Popen(made.command(*arguments), env=made.environment | {"AT": at, "DO": "wait"} | environment,
                               text=True, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
                               preexec_fn=_hears_signals)
    try:
        until(lambda: "ready" in made.calls)
        yield process
    finally:
        process.terminate()
        process.communicate()


def end_of(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and the last line of what it said."""
    _, said = process.communicate(timeout=60)
    return process.returncode, said.strip().rpartition("\n")[2]


@pytest.mark.parametrize(("sent", "caught"), [(signal.SIGINT, "INT"), (signal.SIGTERM, "TERM"), (signal.SIGHUP, "TERM"),
                                              (signal.SIGUSR1, "TERM")])
def test_a_signal_to_the_group_reaches_the_stage_once(workspace: Make, sent: signal.Signals, caught: str) -> None:
    made = workspace()
    with started(made) as process:
        os.killpg(process.pid, sent)
        code, said = end_of(process)
    assert code == 75
    assert said.startswith("[d8_depth_v2] train was interrupted; to go on: bash ")
    assert made.calls[-1] == f"caught {caught}" and made.calls.count(f"caught {caught}") == 1
    assert made.stages == STAGES[:3]


def test_the_message_is_the_command_that_goes_on(workspace: Make) -> None:
    made = workspace()
    with started(made, "--skip", "prepare") as process:
        process.send_signal(signal.SIGINT)
        _, said = end_of(process)
    again = said.partition("to go on: ")[2]
    assert subprocess.run(["bash", "-c", again], env=made.environment, capture_output=True).returncode == 0
    assert made.stages == ["preflight", "train", "preflight", "train", "evaluate", "compare", "report"]


def test_two_signals_are_both_handed_on_and_the_last_exit_code_counts(workspace: Make) -> None:
    made = workspace()
    with started(made, AFTER="130") as process:
        process.send_signal(signal.SIGINT)
        until(lambda: "caught INT" in made.calls)
        process.send_signal(signal.SIGINT)
        code, _ = end_of(process)
    assert code == 130


def test_a_stage_that_ends_well_after_a_signal_is_the_last_one(workspace: Make) -> None:
    made = workspace()
    with started(made, AFTER="0") as process:
        process.send_signal(signal.SIGTERM)
        code, said = end_of(process)
    assert code == 75 and "stopped before evaluate; to go on: bash" in said
    assert made.stages == STAGES[:3]


def test_a_run_whose_last_stage_ends_well_is_done(workspace: Make) -> None:
    made = workspace()
    with started(made, at="report", AFTER="0") as process:
        process.send_signal(signal.SIGTERM)
        assert end_of(process)[0] == 0


def test_an_interruption_that_the_ranks_recorded(workspace: Make) -> None:
    made = workspace(training=dataclasses.replace(d8_depth_v2().training, batch=Batch(4, 1024, 1, 2)))
    with started(made, RECORD="interrupted", AFTER="1") as process:
        process.send_signal(signal.SIGTERM)
        assert end_of(process)[0] == 75


def test_control_c_on_a_terminal(workspace: Make) -> None:
    made = workspace()
    process, terminal = pty.fork()
    if process == 0:
        _hears_signals()
        os.execvpe("bash", made.command(), made.environment | {"AT": "train", "DO": "wait"})
    try:
        until(lambda: "ready" in made.calls)
        os.write(terminal, b"\x03")
        until(lambda: "caught INT" in made.calls)
        _, status = os.waitpid(process, 0)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 75
    assert made.calls.count("caught INT") == 1


def test_it_can_run_in_the_background_of_a_terminal(workspace: Make) -> None:
    made = workspace()
    process, terminal = pty.fork()
    if process == 0:
        _hears_signals()
        os.execvpe("bash", ["bash", "-i", "-c", '"$@" & wait $!', "bash", *made.command()], made.environment)
    try:
        until(lambda: made.stages == STAGES)
        _, status = os.waitpid(process, 0)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
