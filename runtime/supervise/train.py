"""The train stage of a foreign program: from its beginning or its newest checkpoint to the experiment's last step.

The program counts its own steps; what it prints is kept in `output.log`, what its readers find goes to the journal. It is
done when it ends with code 0 at the last step, and only then.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

from expc.compiler.contract import names
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.quantities import DASH
from expc.compiler.contract.snapshot import training_sha256
from expc.compiler.contract.watching import Watching

from .. import checkpoint, parent
from ..errors import FAILED, INTERRUPTED, MISUSED, STOPPED_BY_GUARD, UserError
from ..files import remove_leftovers
from ..journal import Metrics, event, now, read_lines
from ..lock import exclusive
from ..progress import say
from ..record import Record, git_state
from ..trackers.feeding import fed
from ..workspace import run_folder
from . import load, offer
from .child import Child, is_alive
from .guarding import Guarding, refuse_stopped
from .program import Program, changes, host, placeholder_values
from .saved import Checkpoints, Start, start_from
from .watch import Watch


def train(experiment: Experiment, workspace: Path, record: Record) -> None:
    """Runs the program and keeps the run's record. Raises UserError however it ends before its last step."""
    folder = run_folder(workspace, experiment.run)
    with exclusive(folder / "lock", f"the run {experiment.run}"):
        _refuse_orphan(record)
        remove_leftovers(folder / "checkpoints")
        if record.body["outcome"] == "done" and record.body["step"] >= experiment.training.steps:
            say(f"trained already: step {record.body['step']:,} of {experiment.training.steps:,}")
            return
        family = load(experiment.training.family)
        directory = family.program(experiment, workspace, None).directory
        checkpoints = _checkpoints(experiment, workspace, directory, record)
        found, source = _start(experiment, workspace, folder)
        refuse_stopped(experiment, record, found)
        program = family.program(experiment, workspace, found)
        attempt = Attempt(experiment, workspace, record, folder, program, checkpoints, found, source)
        with fed(experiment.trackers, folder):
            attempt.run(lambda: _offered("ready", experiment, workspace, found, say))


def _offered(name: str, experiment: Experiment, workspace: Path, *rest: Any) -> dict[str, Any]:
    """The facts that a family's own function gives, where it has that one."""
    function = offer(experiment.training.family, name)
    return dict(function(experiment, workspace, *rest)) if function else {}


def _refuse_orphan(record: Record) -> None:
    """A program that outlived the process which watched it must not be started a second time."""
    last = (record.body["attempts"] or [{}])[-1]
    group = last.get("process_group")
    if group and "ended" not in last and is_alive(group):
        raise UserError(f"the program of an attempt that was killed still runs, as process group {group}; end it with: "
                        f"kill -TERM -- -{group}", MISUSED)


def _checkpoints(experiment: Experiment, workspace: Path, directory: Path, record: Record) -> Checkpoints | None:
    """The run's checkpoints, with what the program saved while nobody looked."""
    watching = experiment.watching
    if watching is None or watching.checkpoints is None:
        return None
    identity = {"run": experiment.run, "training_sha256": training_sha256(experiment.training),
                "snapshot_sha256": record.body["snapshot_sha256"]}
    made = Checkpoints(watching.checkpoints, directory, placeholder_values(workspace, experiment.run),
                       run_folder(workspace, experiment.run) / "checkpoints", identity)
    foreign = list(made.found().values())
    if foreign and not record.body["attempts"]:
        raise UserError(f"{foreign[0]} is there already, and this run has not written it; move it away, or save below "
                        "{run_folder} (watch.checkpoints.path)", MISUSED)
    made.note(_seconds(record), settled=True)
    return made


def _seconds(record: Record) -> float:
    return float(record.body.get("train_seconds") or 0.0)


def _start(experiment: Experiment, workspace: Path, folder: Path) -> tuple[Start | None, str]:
    """What the program goes on from, and in words."""
    found, skipped = checkpoint.newest(folder / "checkpoints", training_sha256(experiment.training))
    for one in skipped:
        say(f"passing over {one.folder.name}: {one.why}")
    resume, saved = experiment.training.resume, experiment.watching.checkpoints if experiment.watching else None
    if found and saved:
        return start_from(found, saved), f"going on from {Path(found.state['file']).name}"
    if resume is None or saved is None:
        return None, "fresh"
    inherited = offer(experiment.training.family, "inherited")
    start = (inherited(experiment, workspace) if inherited else None) or start_from(
        parent.parent_checkpoint(experiment, workspace), saved, inherited=True)
    for change in experiment.changes:
        say(f"not as in {resume.parent}: {change.key}: {change.before or DASH} -> {change.after or DASH}")
    return start, f"from {resume.parent} step {resume.step}"


class Attempt:
    """One start of the program, to its end."""

    def __init__(self, experiment: Experiment, workspace: Path, record: Record, folder: Path, program: Program,
                 checkpoints: Checkpoints | None, found: Start | None, source: str) -> None:
        self.experiment, self.record, self.folder, self.program = experiment, record, folder, program
        self.workspace = workspace
        self.earlier = [{"outcome": "killed"} | one for one in record.body["attempts"]]
        """Those before this one; one that left no end was killed."""
        self.watching: Watching = experiment.watching  # type: ignore[assignment]
        first = found.step if found else 0
        metrics = Metrics(folder / "metrics.jsonl", first)
        self.guarding = Guarding(experiment, folder, record, lambda why: self.child.stop(why))
        self.guarding.replay(read_lines(folder / "metrics.jsonl"))
        self.child = Child(list(program.words), program.directory, program.environment, self.watching.grace,
                           self.watching.terminal)
        self.watch = Watch(self.watching, program, placeholder_values(workspace, experiment.run), folder, metrics,
                           checkpoints, first, found.seconds if found else 0.0, self.guarding.observe)
        self.facts: dict[str, Any] = {"started": now(), "from_step": first, "source": source, "device": None, "host": host(),
                                      "git": git_state(workspace), "program": program.facts()}

    def run(self, ready: Callable[[], dict[str, Any]]) -> None:
        """Makes ready for the program and runs it; however that ends, the record says it. Raises UserError."""
        outcome = "failed"
        try:
            self._begin()
            self.facts |= (found := ready())
            self._update(**({"data": found["data"]} if "data" in found else {}))
            with self.guarding.watchdog:
                code = self.child.run(self.watch.output, self._tick)
            self.watch.end(settled=code >= 0)
            self._judge(code)
            self.facts |= _offered("finished", self.experiment, self.workspace)
            outcome = "done"
        except BaseException as error:
            outcome = self.record.cause(error)
            raise
        finally:
            self._close(outcome)

    def _begin(self) -> None:
        for change in changes(self.earlier[-1] if self.earlier else self.facts, self.facts):
            say(f"not as in the attempt before: {change}")
            event(self.folder, "program_changed", what=change)
        self.record.update(outcome="running", attempts=[*self.earlier, self.facts])
        event(self.folder, "resumed" if self.facts["from_step"] else "started", step=self.facts["from_step"],
              source=self.facts["source"])
        say(f"{self.facts['source']}: step {self.facts['from_step']:,} to {self.experiment.training.steps:,}, in "
            f"{self.program.directory}; output: {names.run_folder(self.experiment.run)}/output.log")

    def _tick(self) -> None:
        if "process_group" not in self.facts and self.child.process:
            self.facts["process_group"] = self.child.process.pid
            self._update()
        if self.watch.tick():
            self._update()

    def _update(self, **values: Any) -> None:
        self.record.update(step=self.watch.step, train_seconds=round(self.watch.seconds, 3),
                           attempts=[*self.earlier, self.facts], **values)

    def _judge(self, code: int) -> None:
        """Raises UserError unless the program ended well at its last step."""
        steps, step, tail = self.experiment.training.steps, self.watch.step, self.watch.tail()
        place = f"step {step:,} of {steps:,}"
        if self.guarding.ended_by:
            raise UserError(f"stopped by {self.guarding.ended_by}. What the program has saved since is its own business: look "
                            "at it before you go on", STOPPED_BY_GUARD)
        if self.child.stopped_by:
            self._interrupted(place)
        if code:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            hint = " (who has too little memory is ended so by the system)" if code == -9 else ""
            raise UserError(f"the program {how} at {place}{hint}{tail}", FAILED)
        if not self.watch.reached(steps):
            raise UserError(f"the program ended with exit code 0 at {place}: it is not done. Does the number of steps that "
                            f"it is told agree with `steps`, and do its readers see its last lines?{tail}", FAILED)
        self.watch.step = max(step, steps)

    def _interrupted(self, place: str) -> None:
        saved = self.watch.saved
        event(self.folder, "interrupted", step=self.watch.step, signal=self.child.stopped_by, killed=self.child.killed)
        how = f", and killed after {self.watching.grace:g} s since it did not end" if self.child.killed else ""
        then = (f"the newest checkpoint is of step {saved:,}. Go on from there" if saved
                else "no checkpoint was saved. Begin again")
        raise UserError(f"stopped by {self.child.stopped_by} at {place}{how}; {then} with the same command: bash "
                        f"{names.launcher(self.experiment, 'bash')}", INTERRUPTED)

    def _close(self, outcome: str) -> None:
        self.watch.close()
        self.facts |= {"ended": now(), "outcome": outcome, "to_step": self.watch.step}
        if self.guarding.fired:
            self.facts["stopped_by"] = self.guarding.fired
        self._update(outcome=outcome, **self._memory())
        if self.child.left_behind:
            say("the program left processes behind, which have been ended")
            event(self.folder, "left_behind", step=self.watch.step)
        if outcome == "done":
            event(self.folder, "done", step=self.watch.step)
            say(f"trained to step {self.watch.step:,}")

    def _memory(self) -> dict[str, Any]:
        """Resident memory says nothing of a GPU's: there it is known only if the program says it."""
        said, before = self.watch.peak_memory, self.record.body.get("peak_memory") or 0
        if said is not None:
            return {"peak_memory": max(said, before), "peak_memory_how": "as the program says"}
        if self.facts["host"]["gpu"]:
            return {}
        resident = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        return {"peak_memory": max(resident, before), "peak_memory_how": "peak resident memory of its largest process"}
