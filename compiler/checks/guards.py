"""Whether every guard can do what it says: actions that fit their conditions, batches that can be halved, names apart.

Lowering reads the conditions and holds them against the metrics of the run (E430 to E432); their entries are here.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.conditions import Event, metrics_of, parse, walk
from ..contract.conditions.values import Span
from ..contract.guards import NOT_FINITE, Guard
from ..contract.training import known
from ..diagnostics import Diagnostic, listing
from ..families import family
from .subject import Subject

_STOP = "then: stop}]"
CODES = (
    entry(
        "E430",
        "A condition that cannot be read",
        "docs/guards.md has the language of conditions, with its grammar. The message says what was expected at the place.",
        wrong=f"guards: [{{when: loss above 3, {_STOP}",
        right=f"guards: [{{when: loss > 3, {_STOP}",
    ),
    entry(
        "E431",
        "A condition on a metric that there is not",
        "A condition reads what the family's task logs after every update (`loss`), what it measures at validations "
        "(`valid_loss`), and what the runtime measures itself (`step`, `rate.<group>`, `memory`).",
        wrong=f"guards: [{{when: los > 3, {_STOP}",
        right=f"guards: [{{when: loss > 3, {_STOP}",
    ),
    entry(
        "E432",
        "A condition that makes no sense",
        "Sides of different units cannot be compared, sizes and times need their units, a window is counted in what its "
        "metric is measured at, and events outside of the updates stand alone.",
        wrong=f"guards: [{{when: memory > 10m, {_STOP}",
        right=f"guards: [{{when: memory > 6GB, {_STOP}",
    ),
    entry(
        "E433",
        "An action that does not fit its condition",
        "Running out of memory can only stop a run or halve its batch, which nothing else does. A run that hangs can be "
        "stopped or warned about: it can save nothing. After a loss that is not finite there is nothing worth saving.",
        wrong="guards: [{when: out of memory, then: roll_back}]",
        right="guards: [{when: out of memory, then: halve_batch}]",
    ),
    entry(
        "E434",
        "A batch that cannot be halved",
        "`halve_batch` keeps the samples of an update and takes half the rows at a time: `batch.rows` has to be even, the "
        "family has to allow it, and there can be one process only (the others would wait for the one that ran out).",
        wrong="batch: {rows: 1, total_tokens: 1024}\nguards: [{when: out of memory, then: halve_batch}]",
        right="batch: {rows: 2, total_tokens: 2048}\nguards: [{when: out of memory, then: halve_batch}]",
    ),
    entry(
        "E435",
        "Two guards of one name",
        "Events, the record and the results document name guards; names that the spec leaves out are made from the conditions.",
        wrong=f"guards: [{{when: loss > 3, name: spike, then: warn}}, {{when: loss > 9, name: spike, {_STOP}",
        right=f"guards: [{{when: loss > 3, name: high, then: warn}}, {{when: loss > 9, name: spike, {_STOP}",
    ),
    entry(
        "E436",
        "A roll-back that leads nowhere",
        "With the rates as they were, the same updates on the same samples go wrong again; with a rate of 0 % nothing is "
        "trained any more.",
        wrong="guards: [{when: loss > 30, then: {roll_back: {rate: 100%}}}]",
        right="guards: [{when: loss > 30, then: {roll_back: {rate: 50%}}}]",
    ),
    entry(
        "E437",
        "A guard in epochs that nobody counts",
        "How many samples an epoch of a foreign program has is not known here. A reader of its output that reads `epoch` "
        "tells (`watch.metrics`); else count in steps, in validations or in time.",
        wrong="extends: program.yaml\nguards: [{when: no improvement of loss for 5 epochs, " + _STOP,
        right="extends: program.yaml\nguards: [{when: no improvement of loss for 500 steps, " + _STOP,
    ),
    entry(
        "W430",
        "A guard that has no chance to act",
        "Its window or span is as long as the run or longer.",
        wrong="steps: 1000\nguards: [{when: 'loss > 2 * median(1000 steps)', then: warn}]",
        right="steps: 1000\nguards: [{when: 'loss > 2 * median(200 steps)', then: warn}]",
    ),
    entry(
        "W431",
        "A guard that watches a GPU where there is none",
        "`gpu_util` is measured by the driver of a GPU; on a CPU the condition stays unknown, and the guard never acts.",
        wrong="hardware: {target: cpu}\nguards: [{when: gpu_util < 50%, then: warn}]",
        right="guards: [{when: gpu_util < 50%, then: warn}]",
    ),
)
_HANGING = ("stop", "warn")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each guard by itself, and their names together."""
    seen: dict[str, str] = {}
    for index, guard in enumerate(subject.experiment.guards):
        key = f"guards.{index}"
        if guard.name in seen:
            place = f"{key}.name" if subject.resolved.value(f"{key}.name") else f"{key}.when"
            yield subject.finding("E435", f"two guards are called {guard.name}", place, "give one of them another `name`",
                                  [seen[guard.name]])
        seen[guard.name] = f"{key}.when"
        if guard.given:
            yield from _action(subject, guard, f"{key}.then")
            yield from _epochs(subject, guard, f"{key}.when")
            yield from _reach(subject, guard, f"{key}.when")


def fitting(guard: Guard) -> tuple[str, ...]:
    """The actions that a guard's condition allows."""
    condition = parse(guard.when)
    if isinstance(condition, Event):
        return ("stop", "halve_batch") if condition.span is None else _HANGING
    return ("stop", "roll_back") if guard.when == NOT_FINITE.when else ("stop", "save_and_stop", "warn", "roll_back")


def _action(subject: Subject, guard: Guard, key: str) -> Iterator[Diagnostic]:
    kind, allowed = guard.action.kind, fitting(guard)
    if kind not in allowed:
        offered = [one for one in allowed if one in _HANGING or not subject.experiment.watching]
        yield subject.finding("E433", f"{kind} is nothing to do about `{guard.when}`", key, f"there are {listing(offered)}")
    elif kind == "roll_back" and guard.action.rate in (0.0, 1.0):
        yield subject.finding("E436", f"rolling back with rates x {guard.action.rate:g} leads nowhere", key,
                              "write a rate between the two, such as 50%")
    elif kind == "halve_batch" and (why := _whole(subject)):
        yield subject.finding("E434", f"the batch cannot be halved: {why}", key, also=["batch.rows"])


def _epochs(subject: Subject, guard: Guard, key: str) -> Iterator[Diagnostic]:
    watching, parts = subject.experiment.watching, walk(parse(guard.when))
    if watching and any(isinstance(part, Span) and part.unit == "epochs" for part in parts) and not any(
            "epoch" in reader.figures for reader in watching.readers):
        yield subject.finding("E437", f"`{guard.when}` counts epochs, and nothing says how far the program has come in them",
                              key, "count in steps, validations or time, or let a reader of `watch.metrics` read `epoch`")


def _whole(subject: Subject) -> str | None:
    """Why an update cannot be taken in smaller pieces."""
    training = subject.experiment.training
    if not family(training.family).SPLITS_BATCH:
        return f"in the family {training.family}, half the rows twice are another update"
    if known(training.batch).ranks > 1:
        return f"with {known(training.batch).ranks} processes, the others would wait for the one that ran out of memory"
    odd = next((phase for phase in training.phases if phase.batch.rows % 2), None)
    return f"a device takes {odd.batch.rows} rows at a time in phase {odd.name}" if odd else None


def _reach(subject: Subject, guard: Guard, key: str) -> Iterator[Diagnostic]:
    condition, steps = parse(guard.when), subject.experiment.training.own_steps
    longest = max((part.value for part in walk(condition) if isinstance(part, Span) and part.unit == "steps"), default=0)
    if longest >= steps > 0:
        yield subject.warning("W430", key, {"back": f"{int(longest):,}", "steps": f"{steps:,}"}, also=["steps"])
    if "gpu_util" in metrics_of(condition) and subject.experiment.hardware.target == "cpu":
        yield subject.warning("W431", key, {}, also=["hardware.target"])
