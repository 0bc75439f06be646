"""A run's record: what ran, where, from which code, how it ended. `record.json`, written whole at every change.

A record speaks of one training. Where the spec has become another one, what the former left is put aside, under `replaced/`.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.snapshot import training_sha256

from .errors import FAILED, INTERRUPTED, MISSING, MISUSED, STOPPED_BY_GUARD, UserError
from .files import read_json, write_json
from .journal import event, now
from .lock import is_held
from .progress import say

FORMAT = "expc.run/1"
OUTCOMES = {FAILED: "failed", STOPPED_BY_GUARD: "stopped", INTERRUPTED: "interrupted", MISUSED: "misused", MISSING: "missing"}


def outcome_of(error: BaseException) -> str:
    """What the record says of work that ended with this error."""
    if isinstance(error, UserError):
        return OUTCOMES.get(error.exit_code, "failed")
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"


class Record:
    """The record of one run, kept in step with its file."""

    def __init__(self, folder: Path, experiment: Experiment, snapshot_sha256: str) -> None:
        """Raises UserError where another training has checkpoints in the folder, or goes on in it: nobody's days are
        overwritten."""
        self.path, self._results = folder / "record.json", experiment.evaluation.results_file
        self._identity = {"format": FORMAT, "run": experiment.run, "experiment": experiment.name,
                          "snapshot_sha256": snapshot_sha256, "training_sha256": training_sha256(experiment.training)}
        found, ours = self._file(), self._identity["training_sha256"]
        theirs = found.get("training_sha256")
        if theirs not in (None, ours) and (any((folder / "checkpoints").glob("*")) or _goes_on(folder, found)):
            place = f"runs/{experiment.run}"
            raise UserError(f"{place} holds another training of that name (identity {str(theirs)[:12]}, this "
                            f"snapshot's is {ours[:12]}): the spec has changed since. Keep it with `mv {place} "
                            f"{place}.old`, or delete it, then run again", MISUSED)
        self.body: dict[str, Any] = self.read() | self._identity

    def _file(self) -> dict[str, Any]:
        existing = read_json(self.path)
        return existing if isinstance(existing, dict) and existing.get("format") == FORMAT else {}

    def read(self) -> dict[str, Any]:
        """What the file holds now of this training: other processes of the run write to it too."""
        empty, found = {"outcome": "new", "step": 0, "attempts": [], "stages": {}}, self._file()
        return empty | (found if found.get("training_sha256") in (None, self._identity["training_sha256"]) else {})

    def make_way(self) -> None:
        """Puts aside what another training, which left no checkpoint, had measured: nothing of it is this one's."""
        found, folder = self._file(), self.path.parent
        theirs = found.get("training_sha256")
        if theirs in (None, self._identity["training_sha256"]):
            return
        aside = folder / "replaced" / f"{str(theirs)[:12]}_{now().replace(':', '')}"
        aside.mkdir(parents=True)
        for name in ("metrics.jsonl", "evaluation", self._results, "record.json"):  # the record last: a kill is made up for
            if (folder / name).exists():
                os.rename(folder / name, aside / name)
        event(folder, "replaced", training=theirs, outcome=found.get("outcome"), step=found.get("step"),
              kept=f"replaced/{aside.name}")

    def update(self, **values: Any) -> None:
        """Sets values and writes the record; what another process wrote to it meanwhile stays."""
        self.body = self.read() | self._identity | values
        write_json(self.path, self.body)

    def cause(self, error: BaseException) -> str:
        """The outcome of what ended with this error, unless a guard of another process was what brought it about."""
        return "stopped" if self.read()["outcome"] == "stopped" else outcome_of(error)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Notes outcome and seconds of a stage, whatever way it ends."""
        started, outcome = monotonic(), "failed"
        try:
            yield
            outcome = "done"
        except BaseException as error:
            outcome = self.cause(error)
            raise
        finally:
            entry = {"outcome": outcome, "seconds": round(monotonic() - started, 3), "ended": now()}
            with last_words(outcome):
                self.update(stages=self.read()["stages"] | {name: entry})


@contextmanager
def last_words(outcome: str) -> Iterator[None]:
    """Where work has failed and the disk does not take what is written of that either, why it failed is what counts."""
    try:
        yield
    except OSError as error:
        if outcome == "done":
            raise
        say(f"note: this could not be written down ({error})")


def _goes_on(folder: Path, record: dict[str, Any]) -> bool:
    """Whether somebody trains in the folder, or a program that was started for this record has outlived its watcher."""
    from .supervise.offspring import is_alive

    last = (record.get("attempts") or [{}])[-1]
    group = last.get("process_group")
    return is_held(folder / "lock") or bool(group and "ended" not in last and is_alive(group))


def environment(device: str) -> dict[str, Any]:
    """The machine and the software that this process runs on."""
    import torch

    gpu = torch.cuda.get_device_name(0) if device.startswith("cuda") else None
    return {"cpu": cpu_name(), "cores": os.cpu_count(), "gpu": gpu, "torch": torch.__version__,
            "expc": version("expc"), "python": platform.python_version(),
            "threads": torch.get_num_threads(), "platform": platform.platform()}


def code(workspace: Path) -> dict[str, Any]:
    """The versions that numbers come from: this program, PyTorch, and the commit of the workspace where it has one."""
    import torch

    git = git_state(workspace) or {}
    return {"expc": version("expc"), "torch": torch.__version__, "commit": git.get("commit"), "dirty": git.get("dirty")}


def cpu_name() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def git_state(workspace: Path) -> dict[str, Any] | None:
    """Commit and dirtiness of the repository around the workspace; None where there is none."""
    import git

    try:
        repository = git.Repo(workspace, search_parent_directories=True)
        commit = repository.head.commit.hexsha
        return {"commit": commit, "dirty": repository.is_dirty(untracked_files=True)}
    except (git.exc.GitError, ValueError):
        return None
