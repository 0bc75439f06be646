"""What guards did, as the results document says it: the record's firings in, a row for each guard out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from expc.compiler.contract import quantities
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.rendering import Words
from expc.compiler.contract.snapshot import training_sha256


def guards(experiment: Experiment, record: dict[str, Any], words: Words) -> Iterator[tuple[str, str, str]]:
    """Name, condition and all firings (Markdown) of each guard, those of this training that have left the spec included."""
    rows: dict[tuple[str, str], list[str]] = {(guard.name, guard.when): [] for guard in experiment.guards}
    ours = record.get("training_sha256") in (None, training_sha256(experiment.training))
    for one in (record.get("guards") or ()) if ours else ():
        rows.setdefault((one["guard"], one["when"]), []).append(_sentence(one, words))
    for (name, when), fired in rows.items():
        yield name, when, "<br>".join(fired)


def _sentence(one: dict[str, Any], words: Words) -> str:
    figures = {name: value for name, value in one.items() if name not in ("guard", "when", "step", "time", "done")}
    shown = {name: quantities.percent(value, 0) if name == "rate" else quantities.integer(value)
             for name, value in figures.items()}
    return words("guard.fired", step=quantities.integer(one["step"]), done=words(f"guard.done.{one['done']}", **shown))
