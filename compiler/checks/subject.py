"""What a check looks at: the experiment with its predictions, the places of its values, and those it refers to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..contract.experiment import Experiment
from ..diagnostics import Diagnostic
from ..frontend.resolve import Resolved


@dataclass(frozen=True)
class Subject:
    """`compared` follows the order of `experiment.evaluation.compare`; `parent` is None for a run from scratch."""

    experiment: Experiment
    resolved: Resolved
    parent: Experiment | None
    compared: tuple[Experiment, ...]

    def finding(self, code: str, message: str, key: str, help: str | None = None,
                also: Iterable[str] = ()) -> Diagnostic:
        """A diagnostic at a key of the spec; `also` names keys whose places belong to it."""
        return self.resolved.diagnostic(code, message, key, help, also)

