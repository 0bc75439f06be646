"""What a check looks at: the experiment with its predictions, the places of its values, and those it refers to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..contract.claims import Range
from ..contract.experiment import Experiment
from ..contract.markdown import amount
from ..contract.record import dataclass
from ..contract.rendering import Words
from ..diagnostics import Diagnostic
from ..frontend.resolve import Resolved


@dataclass(frozen=True)
class Subject:
    """`compared` follows the order of `experiment.evaluation.compare`, `earlier` that of the series; `parent` is None for a run
    from scratch."""

    experiment: Experiment
    resolved: Resolved
    parent: Experiment | None
    compared: tuple[Experiment, ...]
    earlier: tuple[Experiment, ...] = ()

    def finding(self, code: str, message: str, key: str, help: str | None = None,
                also: Iterable[str] = ()) -> Diagnostic:
        """A diagnostic at a key of the spec; `also` names keys whose places belong to it."""
        return self.resolved.diagnostic(code, message, key, help, also)

    def warning(self, code: str, key: str, figures: dict[str, str], help: str | None = None,
                also: Iterable[str] = ()) -> Diagnostic:
        """A finding whose sentence is `warning.<code>` of the words, filled with figures; documents quote it in their own
        language."""
        message = Words("en", self.experiment.counted)(f"warning.{code}", **figures)
        return replace(self.finding(code, message, key, help, also), figures=figures)



def shown(value: Range, unit: str) -> str:
    """`1 h 30 min`, or `1 h 30 min – 2 h 0 min`."""
    low, high = amount(value.low, unit), amount(value.high, unit)
    return low if low == high else f"{low} – {high}"
