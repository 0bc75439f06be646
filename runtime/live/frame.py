"""A view in, the lines of one screen out: the more a window holds the more they say, the most important ones always.

Every line fits the width, wide characters counted as two. Nothing that a file holds reaches the terminal as a control
character.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from rich.text import Text

from expc.compiler.contract.markdown import visible
from expc.compiler.contract.quantities import duration, size

from .facts import count, moment, number
from .series import Points, sparkline
from .view import View

STYLES = {"running": "bold green", "done": "bold green", "new": "yellow", "interrupted": "yellow", "stopped": "bold yellow"}
CURVE = 60
"""Columns of a curve at most."""

Line = tuple[int, str, str]
"""How soon a line goes where there is not enough room (0: never), its text, its style."""


def frame(view: View, width: int, height: int) -> list[Text]:
    """At most `height` lines of at most `width` columns."""
    lines = [*_head(view, width), *_figures(view, width), *_validations(view), *_guards(view), *_events(view), *_foot(view)]
    kept = sorted(sorted(range(len(lines)), key=lambda index: lines[index][0])[:max(1, height)])
    return [_fitted(lines[index], width) for index in kept]


def summary(view: View) -> str:
    """The same in one line, for logs."""
    pieces = [f"{datetime.now():%H:%M:%S}", view.folder.name, view.facts.outcome, _progress(view)]
    if view.latest:
        pieces.append(f"loss {view.latest[-1][1]:.4f}")
    if view.pace is not None:
        pieces.append(f"{view.pace:,.0f} {view.facts.counted}/s")
    if (left := view.facts.seconds_left(view.step)) is not None:
        pieces.append(f"about {duration(left)} left")
    return visible("  ".join(pieces))


def _fitted(line: Line, width: int) -> Text:
    text = Text(visible(line[1]), style=line[2], no_wrap=True)
    text.truncate(max(1, width), overflow="ellipsis")
    return text


def _head(view: View, width: int) -> Iterator[Line]:
    facts = view.facts
    outcome = {"new": "waiting: nothing has been trained yet", "running": "training"}.get(facts.outcome, facts.outcome)
    yield 0, f"{view.folder.name}: {outcome}", STYLES.get(facts.outcome, "bold red")
    yield 1, _bar(view, width), "cyan"
    yield 1, _progress(view), ""
    if (left := facts.seconds_left(view.step)) is not None:
        ready = datetime.now() + timedelta(seconds=left)
        day = "" if ready.date() == datetime.now().date() else f"{ready:%Y-%m-%d} "
        yield 2, f"about {duration(left)} left, trained about {day}{ready:%H:%M}", ""
    if facts.since:
        yield 6, f"this attempt since {facts.since.astimezone():%Y-%m-%d %H:%M}, {facts.device or 'device unknown'}", ""
    stages = facts.record.get("stages")
    if isinstance(stages, dict) and stages:
        said = [f"{name} {one.get('outcome')}" for name, one in stages.items() if isinstance(one, dict)]
        yield 8, "stages: " + ", ".join(said), "dim"


def _progress(view: View) -> str:
    training = view.facts.experiment.training if view.facts.experiment else None
    if training is None:
        return f"step {view.step:,} (there is no snapshot that tells of how many)"
    share = (view.step - training.start) / max(1, training.own_steps)
    said = f"step {view.step:,} of {training.steps:,} ({share:.0%})" if not training.start else (
        f"step {view.step:,} of {training.steps:,} ({share:.0%} of what comes after step {training.start:,})")
    if len(training.phases) > 1:
        number_ = training.phases.index(training.phase_at(view.step)) + 1
        said += f", phase {number_} of {len(training.phases)}: {view.facts.phase(view.step)}"
    return said


def _bar(view: View, width: int) -> str:
    """Heavy where it has been, light where it goes, a stroke where a phase begins."""
    training = view.facts.experiment.training if view.facts.experiment else None
    if training is None:
        return ""
    columns = max(1, min(width, CURVE + 16))

    def column(step: int) -> int:
        return max(0, min(columns, (step - training.start) * columns // max(1, training.own_steps)))

    done = column(view.step)
    begins = {column(phase.start) for phase in training.phases[1:]}
    return "".join("┃" if index in begins else "━" if index < done else "─" for index in range(columns))


def _figures(view: View, width: int) -> Iterator[Line]:
    yield 9, "", ""
    if view.latest:
        yield 2, _curve("loss", view.loss.points, f"{view.latest[-1][1]:.4f}", width), ""
        span = view.latest[-1][0] - view.latest[0][0] + 1
        yield 5, _curve("  latest", list(view.latest), f"{span:,} steps", width), ""
    if view.rate.points:
        yield 7, _curve("rate", view.rate.points, f"x{view.rate.points[-1][1]:.3f}", width), ""
    said = [f"{view.pace:,.0f} {view.facts.counted}/s"] if view.pace is not None else []
    peak = view.memory if view.memory is not None else number(view.facts.record.get("peak_memory"))
    said += [f"memory {size(peak)} at most"] if peak is not None else []
    if said:
        yield 4, f"{'pace':<9}{', '.join(said)}", ""


def _curve(label: str, points: Points, value: str, width: int) -> str:
    return f"{label:<9}{value:<11}" + sparkline(points, min(CURVE, width - 20))


def _validations(view: View) -> Iterator[Line]:
    shown = list(view.validations)[:-7:-1]
    if shown:
        yield 8, "", ""
    for index, (step, measured) in enumerate(shown):
        said = "  ".join(f"{name} {value:.4f}" for name, value in measured.items())
        yield 3 if index == 0 else 6 + index, f"{'valid':<9}step {step:,}  {said}", "bold" if index == 0 else ""


def _guards(view: View) -> Iterator[Line]:
    fired = view.facts.record.get("guards")
    shown = [one for one in fired if isinstance(one, dict)][:-4:-1] if isinstance(fired, list) else []
    for index, one in enumerate(shown):
        said = f"{one.get('guard')} ({one.get('when')}) {one.get('done')} at step {count(one.get('step')):,}"
        yield 3 if index == 0 else 7 + index, f"{'guard':<9}{said}", "yellow"


def _events(view: View) -> Iterator[Line]:
    shown = list(view.events)[:-9:-1]
    if shown:
        yield 10, "", ""
    for index, event in enumerate(shown):
        yield 7 + index, f"{_clock(event.get('time')):<9}{_told(event)}", "dim"


def _clock(time: Any) -> str:
    at = moment(time)
    return f"{at.astimezone():%H:%M:%S}" if at else "?"


def _told(event: dict[str, Any]) -> str:
    """The event's name, its step, and whatever else is short enough to be read at a glance."""
    step = f" at step {count(event.get('step')):,}" if "step" in event else ""
    rest = [f"{key} {value}" for key, value in event.items()
            if key not in ("event", "time", "step") and isinstance(value, (str, int, float)) and len(str(value)) <= 60]
    return f"{event.get('event')}{step}" + (f": {', '.join(rest)}" if rest else "")


def _foot(view: View) -> Iterator[Line]:
    if not view.ended:
        yield 9, "q leaves; the run goes on", "dim"
