"""`expc status`: one row for each run of a workspace, newest first; as a table for people and as JSON for programs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from expc.compiler.contract.markdown import visible
from expc.compiler.contract.quantities import duration

from .facts import Facts, count, figures, look, number, read_record
from .tail import last_lines

HEADER = ("run", "outcome", "step", "phase", "last validation", "pace", "left", "since", "device")


def rows(workspace: Path) -> list[dict[str, Any]]:
    """What is known of every run, the one that began last first. Folders that are no runs are passed over."""
    try:
        folders = [Path(entry.path) for entry in os.scandir(workspace / "runs") if entry.is_dir() and entry.name[0] != "."]
    except OSError:
        return []
    found = [row(look(folder)) for folder in sorted(folders) if read_record(folder)]
    return sorted(found, key=lambda one: one["since"] or "", reverse=True)


def row(facts: Facts) -> dict[str, Any]:
    """The record, completed by what its folder says: `run`, `outcome`, `step`, `steps`, `phase`, `seconds_left`, and so on."""
    lines = list(last_lines(facts.folder / "metrics.jsonl"))
    step = facts.reached(next((count(line["step"]) for line in reversed(lines) if "step" in line), None))
    paces = [pace for line in lines if (pace := number(line.get("tokens_per_second"))) is not None]
    pace = paces[-1] if facts.alive and paces else number(facts.record.get("tokens_per_second"))
    return facts.record | {
        "run": facts.folder.name, "outcome": facts.outcome, "step": step, "steps": facts.steps, "phase": facts.phase(step),
        "tokens_per_second": pace, "seconds_left": facts.seconds_left(step), "device": facts.device, "counted": facts.counted,
        "since": facts.since.isoformat() if facts.since else None}


def table(found: Sequence[dict[str, Any]]) -> list[str]:
    """Lines for people, columns as wide as what they hold."""
    cells = [HEADER, *map(_cells, found)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(HEADER))]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    steps = f" of {one['steps']:,}" if one["steps"] else ""
    last = one.get("last_validation")
    measured = ", ".join(f"{name} {value:.4f}" for name, value in figures(last).items())
    at = f" (step {count(last.get('step')):,})" if isinstance(last, dict) and measured else ""
    since = datetime.fromisoformat(one["since"]).astimezone().strftime("%Y-%m-%d %H:%M") if one["since"] else "-"
    pace = f"{one['tokens_per_second']:,.0f} {one['counted']}/s" if one["tokens_per_second"] is not None else "-"
    left = f"about {duration(one['seconds_left'])}" if one["seconds_left"] is not None else "-"
    words = (one["run"], one["outcome"], f"{one['step']:,}{steps}", one["phase"] or "-", measured + at or "-", pace, left,
             since, one["device"] or "-")
    return tuple(visible(word) for word in words)
