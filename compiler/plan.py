"""What a build would change: the experiment in hand against the snapshot that is committed, key by key.

Changes below `training` change the run's identity (its checkpoints become foreign), those elsewhere only how it is
launched, judged or described.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .contract.codec import to_plain
from .contract.experiment import Experiment
from .contract.promises import Prediction
from .contract.quantities import duration, integer, significant, size
from .differences import Difference, differences


@dataclass(frozen=True)
class Plan:
    """Predictions, and the differences to the committed snapshot; `committed` is False where there is none yet."""

    experiment: Experiment
    committed: bool
    identity: tuple[Difference, ...]
    launch: tuple[Difference, ...]

    @property
    def empty(self) -> bool:
        """Whether a build would write what is there already."""
        return self.committed and not self.identity and not self.launch


def plan(experiment: Experiment, committed: str | None) -> Plan:
    """The experiment against the text of a snapshot (None: there is none, or it cannot be read)."""
    before = _experiment(committed)
    after = json.loads(json.dumps(to_plain(experiment)))
    if before is None:
        return Plan(experiment, False, (), ())
    found = differences(before, after)
    identity = tuple(one for one in found if one.key.startswith("training."))
    return Plan(experiment, True, identity, tuple(one for one in found if one not in identity))


def _experiment(committed: str | None) -> dict[str, Any] | None:
    try:
        body = json.loads(committed) if committed else {}
    except ValueError:
        return None
    return body.get("experiment") if isinstance(body, dict) else None


def as_text(one: Plan) -> str:
    """The plan for a terminal."""
    lines = [f"{one.experiment.run}", *(_prediction(figure) for figure in one.experiment.predictions.figures)]
    lines += [f"  parameters.{name:<18} {integer(value):>14}" for name, value in one.experiment.predictions.parameters.items()]
    lines += [f"  memory.{name:<22} {size(value):>14}" for name, value in one.experiment.predictions.memory.items()]
    if not one.committed:
        return "\n".join([*lines, "  not built yet: `expc build` writes everything anew"])
    for title, rows in (("changes the run's identity", one.identity), ("changes launch, judgement or text", one.launch)):
        if rows:
            lines += [f"  {title}:", *(_row(row) for row in rows)]
    return "\n".join(lines if one.identity or one.launch else [*lines, "  no changes to what is built"])


def as_plain(one: Plan) -> dict[str, Any]:
    """The plan as plain values, for `--json`."""
    rows = {title: [{"key": row.key, "before": row.before, "after": row.after, "factor": row.factor} for row in found]
            for title, found in (("identity", one.identity), ("launch", one.launch))}
    return {"run": one.experiment.run, "committed": one.committed, "predictions": to_plain(one.experiment.predictions), **rows}


def _prediction(figure: Prediction) -> str:
    show = {"bytes": size, "seconds": duration}.get(figure.unit, significant)
    written = integer(int(figure.value)) if figure.unit == "number" and figure.value is not None else show(figure.value)
    method = figure.method.replace("_", " ")
    return f"  {figure.name:<29} {written:>14}  {method}: {figure.how}"


def _row(row: Difference) -> str:
    factor = f"  (x {significant(row.factor)})" if row.factor else ""
    return f"    {row.key}: {_short(row.before)} -> {_short(row.after)}{factor}"


def _short(value: Any) -> str:
    text = "-" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
