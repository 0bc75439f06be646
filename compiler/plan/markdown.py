"""Plans as a comment on a pull request: plans in, GitHub's Markdown out. Nothing of a user's text is markup or a mention."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from ..contract.promises import Prediction
from ..contract.quantities import DASH, integer
from .changes import Row
from .outlook import in_words, phases
from .plan import Plan
from .text import EFFECTS, farewell, verdict
from .values import factor, figure, grouped, method, pair


def as_markdown(plans: Sequence[Plan], gone: Mapping[str, list[str]] | None = None) -> str:
    """What changes, experiment by experiment, then the runs that go, with their files, and those that nothing changes for."""
    changed, gone = [one for one in plans if not one.empty], gone or {}
    going = f", {len(gone)} no longer specified" if gone else ""
    lines = [f"## expc plan: {len(changed)} of {len(plans)} experiments change{going}", ""]
    for one in changed:
        lines += _changed(one)
    for run, files in gone.items():
        lines += [f"### {code(run)}", "", f"{farewell(files).capitalize()}.", ""]
        lines += _folded("Files", ["", *(f"- {code(f'generated/{name}')}" for name in files), ""])
    if same := [code(one.experiment.run) for one in plans if one.empty]:
        lines += [f"No changes: {', '.join(same)}.", ""]
    return "\n".join(lines)


def code(text: str) -> str:
    """A text as code in a table's cell, whatever characters it holds."""
    text = " ".join(text.split("\n")).replace("|", "\\|")
    fence = "`" * (max(map(len, re.findall(r"`+", text)), default=0) + 1)
    space = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{space}{text}{space}{fence}"


def _changed(one: Plan) -> Iterator[str]:
    yield f"### {code(one.experiment.run)}"
    yield ""
    yield _plain(verdict(one)).replace("-&gt;", "→")
    yield ""
    if one.committed.remark:
        yield _plain(one.committed.remark)
        yield ""
    yield from _rows([row for row in one.rows if not row.derived])
    derived = [row for row in one.rows if row.derived]
    if derived:
        yield from _folded(f"What follows from this ({len(list(grouped(derived)))})", _rows(derived))
    yield from _folded("Predictions", _predictions(one))


def _rows(rows: Iterable[Row]) -> Iterator[str]:
    rows = list(grouped(rows))
    if not rows:
        return
    yield from _table_head("key", "before", "after", "factor", "touches")
    for row in rows:
        before, after = (value if value == DASH else code(value) for value in pair(row))
        times = factor(row)
        yield f"| {code(row.key)} | {before} | {after} | {f'× {times}' if times else ''} | {EFFECTS[row.effect]} |"
    yield ""


def _predictions(one: Plan) -> Iterator[str]:
    yield from _table_head("figure", "value", "how it was got")
    for predicted in one.experiment.predictions.figures:
        if predicted.name not in ("train_time", "cost"):
            yield _prediction(predicted.name.replace("_", " "), predicted)
    for part in one.stretches:
        yield f"| steps, {part.name} | {integer(part.end - part.start)} | exact: step {part.start:,} to {part.end:,} |"
    for phase in phases(one.experiment.training):
        steps = f"step {phase.start:,} to {phase.end:,}, {in_words(phase, one.experiment.counted)}"
        yield f"| steps, phase {code(phase.name)} | {integer(phase.end - phase.start)} | exact: {steps} |"
    for target in one.outlooks:
        for name, predicted in (("peak memory", target.peak_memory), ("time", target.time), ("cost", target.cost)):
            yield _prediction(f"{name} on {target.title}", predicted)
    yield ""


def _prediction(name: str, one: Prediction) -> str:
    return f"| {_plain(name)} | {figure(one)} | {_plain(method(one))} |"


def _table_head(*names: str) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield "|" + " --- |" * len(names)


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield from ("<details>", f"<summary>{title}</summary>", "", *lines, "</details>", "")


def _plain(text: str) -> str:
    """Text outside of code, without markup, mentions or the end of a cell."""
    return re.sub(r"([\\`*_\[\]|@#~])", r"\\\1", escape(" ".join(text.split("\n")), quote=False)).replace("\\@", "&#64;")
