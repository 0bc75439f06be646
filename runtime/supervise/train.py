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
from expc.compiler.contract.files import write_atomic
from expc.compiler.contract.watching import Watching

from .. import milestones
from ..errors import FAILED, INTERRUPTED, STOPPED_BY_GUARD, UserError
from ..files import remove_leftovers
from ..journal import Metrics, event, now, read_lines
from ..lock import exclusive, identity
from ..progress import say
from ..record import Record, git_state, last_words
from ..room import others, reserved
from ..trackers.feeding import fed
from ..workspace import run_folder
from . import load, offer, room, starting
from .child import Child
from .guarding import Guarding, refuse_stopped
from .program import Program, changes, host, placeholder_values
from .saved import Checkpoints, Start
from .watch import Watch


def train(experiment: Experiment, workspace: Path, record: Record) -> None:
    """Runs the program and keeps the run's record. Raises UserError however it ends before its last step."""
    folder = run_folder(workspace, experiment.run)
    children: list[Child] = []
    with exclusive(folder / "lock", f"the run {experiment.run}", lost=lambda: _kill(children)):
        starting.refuse_orphan(record)
        remove_leftovers(folder / "checkpoints")
        if record.body["outcome"] == "done" and record.body["step"] >= experiment.training.steps:
            say(f"trained already: step {record.body['step']:,} of {experiment.training.steps:,}")
            return
        family = load(experiment.training.family)
        directory = family.program(experiment, workspace, None).directory
        checkpoints = starting.checkpoints_of(experiment, workspace, directory, record)

        def attempt(found: Start | None, source: str, passed_over: dict[str, Any] | None = None) -> None:
            program = family.program(experiment, workspace, found)
            one = Attempt(experiment, workspace, record, folder, program, checkpoints, found, source, passed_over)
            children.append(one.child)
            one.run(lambda: _offered("ready", experiment, workspace, found, say))

        own = starting.own(experiment, folder)
        found, source = (own, f"going on from {Path(own.file).name}") if own else starting.first(experiment, workspace)
        refuse_stopped(experiment, record, found)
        with fed(experiment.trackers, folder):
            try:
                attempt(found, source)
            except Unloaded as error:
                if own is None or checkpoints is None:
                    raise
                _instead(experiment, record, checkpoints, own, error, attempt)


def _kill(children: list[Child]) -> None:
    for one in children:
        one.kill()


def _instead(experiment: Experiment, record: Record, checkpoints: Checkpoints, died_on: Start, error: Unloaded,
             attempt: Callable[[Start, str, dict[str, Any]], None]) -> None:
    """Once more, from the checkpoint before the one that the program has died on: only that tells whether it is to blame."""
    folder, name = record.path.parent, Path(died_on.file).name
    metrics = folder / "metrics.jsonl"
    before = starting.newest(experiment, folder, died_on.step - 1)
    if before is None:
        raise UserError(f"{error}\nIt had not given a figure since it went on from {name}, and there is no checkpoint before "
                        f"that one. If it is damaged, move it away: then the run begins again", FAILED) from error
    say(str(error))
    say(f"passing over {name}: the program has not given a figure since it went on from there; trying the one before, once")
    event(folder, "skipped_checkpoint", file=name, why="the program died on it before its first figure")
    figures = metrics.read_text(encoding="utf-8")
    try:
        attempt(before, f"going on from {Path(before.file).name}", checkpoints.distrust(Path(died_on.file)))
    except BaseException as again:
        if "passed_over" not in record.body["attempts"][-1]:  # no figure: the next start begins at the newest one again
            write_atomic(metrics, figures)
        if not isinstance(again, Unloaded):
            raise
        raise UserError(f"{again}\nIt gave no figure after {name} and none after {Path(before.file).name}: something else than "
                        "a damaged checkpoint seems to be wrong", FAILED) from again


def _offered(name: str, experiment: Experiment, workspace: Path, *rest: Any) -> dict[str, Any]:
    """The facts that a family's own function gives, where it has that one."""
    function = offer(experiment.training.family, name)
    return dict(function(experiment, workspace, *rest)) if function else {}


class Unloaded(UserError):
    """The program has died before its first figure, on a checkpoint that it may not have been able to read."""


class Attempt:
    """One start of the program, to its end."""

    def __init__(self, experiment: Experiment, workspace: Path, record: Record, folder: Path, program: Program,
                 checkpoints: Checkpoints | None, found: Start | None, source: str,
                 passed_over: dict[str, Any] | None = None) -> None:
        self.experiment, self.record, self.folder, self.program = experiment, record, folder, program
        self.workspace, self.found, self.passed_over = workspace, found, passed_over
        self.earlier = [{"outcome": "killed"} | one for one in record.body["attempts"]]
        """Those before this one; one that left no end was killed."""
        self.watching: Watching = experiment.watching  # type: ignore[assignment]
        first = found.step if found else 0
        metrics = Metrics(folder / "metrics.jsonl", first)
        self.guarding = Guarding(experiment, folder, record, lambda why: self.child.stop(why))
        self.metrics = metrics
        self.warned, self.checkpoints, self.looked = False, checkpoints, checkpoints is None
        """Whether something was said of the disk; whether it has been looked for the first checkpoint of this attempt."""
        self.ahead = sorted({one.step for one in experiment.milestones})
        """Steps of milestones that have not been passed."""
        self.announcer = milestones.Announcer(experiment, folder)
        lines = list(read_lines(folder / "metrics.jsonl"))
        self.guarding.replay(lines)
        self.last_validation: dict[str, Any] = {}
        self.child = Child(list(program.words), program.directory, program.environment, self.watching.grace,
                           self.watching.terminal)
        self.watch = Watch(self.watching, program, placeholder_values(workspace, experiment.run), folder, metrics,
                           checkpoints, first, found.seconds if found else 0.0, self._observe,
                           known={(line["kind"], *sorted(line)) for line in lines if line["step"] == first})
        self.facts: dict[str, Any] = {"started": now(), "from_step": first, "source": source, "device": None, "host": host(),
                                      "git": git_state(workspace), "program": program.facts(found.file if found else None)}

    def run(self, ready: Callable[[], dict[str, Any]]) -> None:
        """Makes ready for the program and runs it; however that ends, the record says it. Raises UserError."""
        outcome = "failed"
        with reserved(self.folder) as give_back:
            try:
                self._begin()
                self.facts |= (found := ready())
                self._update(**({"data": found["data"]} if "data" in found else {}))
                with self.guarding.watchdog:
                    code = self.child.run(self.watch.output, self._tick)
                self.watch.end()
                self._judge(code)
                if not self.looked:
                    self._look_for_one()
                self._announce(self.watch.step, self.watch.step)
                self.facts |= _offered("finished", self.experiment, self.workspace)
                outcome = "done"
            except BaseException as error:
                outcome = self.record.cause(error)
                raise
            finally:
                give_back()
                with last_words(outcome):
                    self._close_files()
                with last_words(outcome):
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
            self.facts |= {"process_group": self.child.process.pid, "process": identity(self.child.process.pid)}
            self._update()
        if self.watch.tick():
            self._update()
        if not self.looked and self.watch.step >= self.facts["from_step"] + 2 * self.experiment.checkpoint.every:
            self._look_for_one()

    def _look_for_one(self) -> None:
        """Says where a program has saved nothing that is known of, by when two should be there."""
        self.looked, first = True, self.facts["from_step"]
        if self.checkpoints is not None and self.watching.checkpoints and max(self.checkpoints.found(), default=first) <= first:
            every = self.experiment.checkpoint.every
            say(f"warning: no checkpoint of {self.watching.checkpoints.path} is there at step {self.watch.step:,}, and "
                f"checkpoint.every is {every:,}: does the pattern name what the program saves? An interruption loses all")
            event(self.folder, "no_checkpoint", step=self.watch.step)

    def _observe(self, step: int, seconds: float, kind: str, values: dict[str, float]) -> None:
        self.guarding.observe(step, seconds, kind, values)
        if kind == "valid" and values:
            same = self.last_validation if self.last_validation.get("step") == step else {}
            self.last_validation = {**same, "step": step, **values}
        if kind == "checkpoint" and not self.warned:
            self._look_at_disk()
        if values and (kind == "valid" or (self.ahead and self.ahead[0] < step)):
            self._announce(step, step - 1)  # the rest of what it says of this step may be yet to come

    def _look_at_disk(self) -> None:
        """Says once, as soon as the size of a checkpoint is known, what will not fit."""
        beside = others(self.experiment, self.workspace)
        for found in (room.problems, room.notes):
            for line in found(self.experiment, self.workspace, beside):
                self.warned = True
                say(f"warning: {line}")
                event(self.folder, "disk", step=self.watch.step, why=line)

    def _announce(self, step: int, settled: int) -> None:
        """What has been decided of the milestones."""
        if self.experiment.milestones:
            self.ahead = [one for one in self.ahead if one > settled]
            self.metrics.flush()
            self.announcer.announce(step, settled)

    def _update(self, **values: Any) -> None:
        if self.last_validation:
            values["last_validation"] = self.last_validation
        self.record.update(step=self.watch.step, train_seconds=round(self.watch.seconds, 3),
                           attempts=[*self.earlier, self.facts], **values)

    def _judge(self, code: int) -> None:
        """Raises UserError unless the program ended well at its last step."""
        steps, step, tail = self.experiment.training.steps, self.watch.step, self.watch.tail()
        place = f"step {step:,} of {steps:,}"
        if self.guarding.ended_by:
            raise UserError(f"stopped by {self.guarding.ended_by}. The results document and events.jsonl say what was measured",
                            STOPPED_BY_GUARD)
        if self.child.stopped_by:
            self._interrupted(place)
        if code:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            hint = " (who has too little memory is ended so by the system)" if code == -9 else ""
            kind = Unloaded if self.found and self.watch.silent else UserError
            raise kind(f"the program {how} at {place}{hint}{tail}", FAILED)
        if not self.watch.reached(steps):
            why = ("It left processes behind, which have been ended: has it started the training in the background? Let it "
                   "wait for that" if self.child.left_behind else
                   "Does the number of steps that it is told agree with `steps`, and do its readers see its last lines?")
            raise UserError(f"the program ended with exit code 0 at {place}: it is not done. {why}{tail}", FAILED)
        self.watch.step = max(step, steps)

    def _interrupted(self, place: str) -> None:
        saved = self.watch.saved
        event(self.folder, "interrupted", step=self.watch.step, signal=self.child.stopped_by, killed=self.child.killed)
        how = f", and killed after {self.watching.grace:g} s since it did not end" if self.child.killed else ""
        then = (f"the newest checkpoint is of step {saved:,}. Go on from there" if saved
                else "no checkpoint was saved. Begin again")
        raise UserError(f"stopped by {self.child.stopped_by} at {place}{how}; {then} with the same command: bash "
                        f"{names.launcher(self.experiment, 'bash')}", INTERRUPTED)

    def _close_files(self) -> None:
        self.announcer.close()
        self.watch.close()

    def _close(self, outcome: str) -> None:
        self.facts |= {"ended": now(), "outcome": outcome, "to_step": self.watch.step}
        if self.passed_over and not self.watch.silent:
            self.facts["passed_over"] = self.passed_over
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
