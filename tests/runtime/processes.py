"""The runtime's command line in processes of their own, which tests may kill: arguments in, exit code and output out.

A fork server that has imported once what a run imports, also what torch imports when it is needed, starts them in a fraction
of a second.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from expc.compiler.contract.experiment import Experiment
from tests.runtime import toy_family

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.runtime.toy_family", "expc.runtime.train", "expc.runtime.preflight",
                               "expc.runtime.evals.stage", "git", "torch._dynamo"])
PATIENCE = 120.0


@dataclass(frozen=True)
class Process:
    """A command that runs, or has ended."""

    process: BaseProcess
    log: Path

    def signal(self, number: int) -> None:
        """Sends a signal, as long as there is somebody to take it."""
        if self.process.is_alive() and self.process.pid:
            os.kill(self.process.pid, number)

    def wait_until(self, true: Callable[[], bool]) -> None:
        """Waits for a condition, or for the end of the process."""
        ends = time.monotonic() + PATIENCE
        while self.process.is_alive() and not true() and time.monotonic() < ends:
            time.sleep(0.002)

    def end(self) -> tuple[int, str]:
        """Exit code (negative: the signal that killed it) and everything that was printed."""
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None, "the process does not end"
        return self.process.exitcode, self.log.read_text(encoding="utf-8")


def start(workspace: Path, experiment: Experiment, *stages: str, before: Callable[[], None] | None = None) -> Process:
    """Runs stages of a toy experiment (prepare and train, if none are named); `before` is called in the process first."""
    snapshot = toy_family.write(workspace, experiment)
    chosen = [word for stage in stages or ("prepare", "train") for word in ("--stage", stage)]
    return start_command(workspace, "run", str(snapshot), *chosen, before=before)


def start_command(workspace: Path, *arguments: str, before: Callable[[], None] | None = None) -> Process:
    """Runs any command of the runtime, in the workspace."""
    log = workspace / f"log{len(list(workspace.glob('log*')))}"
    log.touch()
    process = SERVER.Process(target=_main, args=(arguments, str(workspace), str(log), before))
    process.start()
    return Process(process, log)


def run(workspace: Path, experiment: Experiment, *stages: str) -> tuple[int, str]:
    """The same, to its end."""
    return start(workspace, experiment, *stages).end()


def command(workspace: Path, *arguments: str) -> tuple[int, str]:
    """Any command, to its end."""
    return start_command(workspace, *arguments).end()


def _main(arguments: tuple[str, ...], workspace: str, log: str, before: Callable[[], None] | None) -> None:
    from expc.runtime.cli import main

    output = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(workspace)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)
    sys.argv = ["expc", *arguments]
    if before:
        before()
    with toy_family.registered():
        main()
