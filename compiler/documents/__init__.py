"""Build-time documents: `render(experiment)` gives every text of a run's folder by its file name."""

from __future__ import annotations

from ..contract.experiment import Experiment
from . import design, series

__all__ = ["render"]


def render(experiment: Experiment) -> dict[str, str]:
    """The design document with its drawing, and that of the series where the run ends one, in every report language."""
    return design.render_documents(experiment) | series.render_documents(experiment)
