"""Curves of a run as PNG: metric lines in, picture files out. Labels are English, so that no font can be missing.

matplotlib is imported only when something is drawn. Losses are nats per token, rates multipliers of the peak rate.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expc.compiler.contract.schedules import Curve

from .files import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OWN, PARENT, TUNES, REFERENCE = "#0969da", "#8c959f", "#bc4c00", "#57606a"
SMOOTHING = 25
"""The drawn training loss is the mean over about this many parts of the curve's length."""


def loss_curve(path: Path, title: str, own: Sequence[Mapping[str, Any]], parent: Sequence[Mapping[str, Any]],
               references: Mapping[str, float], what: str = "loss (nats per token)", phases: Mapping[int, str] | None = None,
               weighted: bool = False) -> None:
    """Training and held-out loss over steps; the parent's in grey; `references` are horizontal lines by their label.

    Lines are those of `metrics.jsonl`. What lies above 1.15 times the largest reference is cut off. `phases` are vertical lines
    where a phase begins. With `weighted`, they weigh losses anew: the training loss is no one figure, and has axes of its own.
    """
    figure, axes = _axes(title, f"held-out {what}" if weighted else what)
    above = _above(figure, axes, f"weighted {what}") if weighted else axes
    for lines, colour, whose in ((parent, PARENT, "parent, "), (own, OWN, "")):
        raw = _series(lines, "train", "loss")
        above.plot(*raw, color=colour, alpha=0.22, linewidth=0.8)
        above.plot(*_smoothed(raw), color=colour, linewidth=1.6, label=f"{whose}training")
        held_out = _series(lines, "valid", "valid_loss")
        axes.plot(*held_out, color=colour, marker="o", markersize=3.5, linestyle="--", linewidth=1,
                  label=f"{whose}validation")
        tunes = _series(lines, "valid", "tunes_loss")
        axes.plot(*tunes, color=TUNES if not whose else "#d4a72c", marker="s", markersize=3, linestyle=":", linewidth=1,
                  label=f"{whose}public-domain tunes")
    for label, value in references.items():
        axes.axhline(value, color=REFERENCE, linewidth=0.9, linestyle="-.")
        axes.annotate(f"{label} = {value:.2f}", (1, value), xycoords=("axes fraction", "data"), xytext=(-4, 3),
                      textcoords="offset points", ha="right", fontsize=8, color=REFERENCE)
    _limit(axes, references)
    for step, name in (phases or {}).items():
        for each in figure.axes:
            each.axvline(step, color=REFERENCE, linewidth=0.8, linestyle=":")
        above.annotate(f" {name}", (step, 1), xycoords=("data", "axes fraction"), va="top", fontsize=8, color=REFERENCE)
    _save(figure, path)


def rate_curve(path: Path, title: str, own: Sequence[Mapping[str, Any]], parent: Sequence[Mapping[str, Any]],
               planned: Curve, first: int, last: int) -> None:
    """The rate multiplier that was applied, the parent's in grey, over the plan from step `first` to step `last`."""
    figure, axes = _axes(title, "rate multiplier")
    corners = [step for step, _ in planned.breakpoints() if first < step < last]
    steps = sorted({first, *corners, last - 1, *range(first, last, max(1, (last - first) // 400))})
    axes.plot(steps, [planned.at(step) for step in steps], color="#54aeff", linewidth=5, alpha=0.45, label="planned")
    axes.plot(*_series(parent, "train", "rate"), color=PARENT, linewidth=1.4, label="parent, applied")
    axes.plot(*_series(own, "train", "rate"), color=OWN, linewidth=1.4, label="applied")
    axes.set_ylim(bottom=0)
    _save(figure, path)


def series_curves(path: Path, title: str, runs: Mapping[str, Sequence[Mapping[str, Any]]], kinds: Sequence[int]) -> None:
    """Held-out loss over steps of several runs by their label, in one picture; runs whose losses mean something else have
    another kind, and with it another line."""
    figure, axes = _axes(title, "held-out loss")
    for (label, lines), kind in zip(runs.items(), kinds, strict=True):
        axes.plot(*_series(lines, "valid", "valid_loss"), marker="o", markersize=3.5, linewidth=1.4, label=label,
                  linestyle=("-", "--", ":", "-.")[kind % 4])
    _save(figure, path)


def _axes(title: str, what: str) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    figure = Figure(figsize=(9, 4.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    axes = figure.add_subplot()
    axes.set_xlabel("step (optimizer updates)")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    _plain(axes, what)
    return figure, axes


def _above(figure: Figure, axes: Axes, what: str) -> Axes:
    """Axes of their own above the others, over the same steps."""
    figure.set_size_inches(9, 6.4)
    grid = figure.add_gridspec(2, 1)
    axes.set_subplotspec(grid[1])
    made = figure.add_subplot(grid[0], sharex=axes)
    made.tick_params(labelbottom=False)
    _plain(made, what)
    return made


def _plain(axes: Axes, what: str) -> None:
    axes.set_ylabel(what)
    axes.grid(color="#d0d7de", linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _series(lines: Sequence[Mapping[str, Any]], kind: str, name: str) -> tuple[list[int], list[float]]:
    """Steps and values of the lines that have this figure."""
    points = [(line["step"], line[name]) for line in lines if line.get("kind") == kind and line.get(name) is not None]
    return [step for step, _ in points], [value for _, value in points]


def _smoothed(series: tuple[list[int], list[float]]) -> tuple[list[int], list[float]]:
    """Centred running mean, narrower towards the ends so that it neither lags nor bends there."""
    steps, values = series
    reach = len(values) // (2 * SMOOTHING)
    means = []
    for index in range(len(values)):
        near = min(reach, index, len(values) - 1 - index)
        window = values[index - near:index + near + 1]
        means.append(sum(window) / len(window))
    return steps, means


def _limit(axes: Axes, references: Mapping[str, float]) -> None:
    """Keeps a wild first step from flattening the curve."""
    low, high = axes.get_ylim()
    if references:
        axes.set_ylim(max(0.0, low), min(high, 1.15 * max(references.values())))


def _save(figure: Figure, path: Path) -> None:
    """Writes the picture whole. Curves without a point stay out of the legend."""
    import numpy as np

    for axes in figure.axes:
        drawn = [line for line in axes.get_lines()
                 if np.size(line.get_xdata()) and not str(line.get_label()).startswith("_")]
        if drawn:
            axes.legend(handles=drawn, fontsize=8, facecolor="white", edgecolor="none", framealpha=0.9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    write_atomic(path, buffer.getvalue())
