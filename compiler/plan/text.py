"""A plan for a terminal: predictions with how each was got, then what a build would change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..contract.quantities import integer, size
from .changes import Row
from .outlook import Outlook, in_words, phases
from .plan import Plan
from .values import factor, figure, grouped, method, pair

BY_TARGET = ("train_time", "cost")
EFFECTS = {"identity": "what is trained", "launch": "launch", "judgement": "judgement", "text": "text"}


def as_text(one: Plan) -> str:
    """The plan, with its last line on what a build would do."""
    return "\n".join([one.experiment.run, *_predictions(one), *_steps(one), *_targets(one.outlooks), *_comparison(one)])


def gone_as_text(run: str, files: list[str]) -> str:
    """A run that no spec gives any more, with the files that go with it."""
    return "\n".join([run, f"  {farewell(files)}:", *(f"    generated/{name}" for name in files)])


def farewell(files: list[str]) -> str:
    """What a build does about a run that no spec gives any more, in a sentence."""
    count = f"its {len(files)} files" if len(files) != 1 else "its file"
    return f"is no longer specified: a build deletes {count}"


def verdict(one: Plan) -> str:
    """What a build would do, in a sentence."""
    place = one.committed.place
    if one.problem is not None:
        return f"{place} cannot be compared: {one.problem}"
    if one.before_sha256 is None:
        return f"there is no {place}: everything is new"
    if one.empty:
        return f"no changes to {place}"
    if one.changes_identity:
        hashes = f"training hash {one.before_sha256[:12]} -> {one.after_sha256[:12]}"
        return f"changes what is trained ({hashes}): checkpoints of the run as it is in {place} do not fit"
    return f"changes only launch, judgement or text: checkpoints stay valid (training hash {one.after_sha256[:12]})"


def _line(depth: int, name: str, value: str, more: str = "") -> str:
    return f"{'  ' * depth}{name:<{31 - 2 * depth}} {value:>14}" + (f"  {more}" if more else "")


def _predictions(one: Plan) -> Iterator[str]:
    said = one.experiment.predictions
    for predicted in said.figures:
        if predicted.name in BY_TARGET:
            continue
        yield _line(1, predicted.name, figure(predicted), method(predicted))
        if predicted.name == "parameters":
            yield from (_line(2, name, integer(count)) for name, count in said.parameters.items())
        if predicted.name == "peak_memory":
            yield from (_line(2, name, size(count)) for name, count in said.memory.items())


def _steps(one: Plan) -> Iterator[str]:
    first, last = one.experiment.training.start, one.experiment.training.steps
    yield _line(1, "steps", integer(last - first), f"exact: from step {first:,} to step {last:,}")
    for part in one.stretches:
        yield _line(2, part.name, integer(part.end - part.start), f"to step {part.end:,}, rate x {part.last:g}")
    for phase in phases(one.experiment.training):
        seen = in_words(phase, one.experiment.counted)
        yield _line(2, f"phase {phase.name}", integer(phase.end - phase.start), f"to step {phase.end:,}, {seen}")


def _targets(outlooks: Iterable[Outlook]) -> Iterator[str]:
    for one in outlooks:
        count = f"{one.count} x " if one.count > 1 else ""
        yield f"  on {one.target} ({count}{one.title})"
        of = f"of {size(one.device_memory)}; " if one.device_memory is not None else ""
        yield _line(2, "memory", figure(one.peak_memory), of + method(one.peak_memory))
        yield _line(2, "time", figure(one.time), method(one.time))
        yield _line(2, "cost", figure(one.cost), method(one.cost))


def _comparison(one: Plan) -> Iterator[str]:
    yield f"  {verdict(one)}"
    if one.committed.remark:
        yield f"  {one.committed.remark}"
    for effect, title in EFFECTS.items():
        yield from _block(title, (row for row in one.rows if row.effect == effect and not row.derived))
    yield from _block("what follows from this", (row for row in one.rows if row.derived))


def _block(title: str, rows: Iterable[Row]) -> Iterator[str]:
    rows = list(grouped(rows))
    if not rows:
        return
    yield f"  {title}:"
    width = min(max(len(row.key) for row in rows), 44)
    for row in rows:
        before, after = pair(row)
        times = factor(row)
        yield f"    {row.key:<{width}}  {before} -> {after}" + (f"  (x {times})" if times else "")
