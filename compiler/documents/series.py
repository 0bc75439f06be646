"""The design document of a series: the experiment that ends it in, its Markdown in each report language out."""

from __future__ import annotations

from ..contract import names, rendering, series_document
from ..contract.experiment import Experiment


def render_documents(experiment: Experiment) -> dict[str, str]:
    """Texts by file name; none where the experiment ends no series."""
    if experiment.series is None:
        return {}
    return {names.series_document(experiment, "DESIGN", language):
            rendering.render("documents/series.md.j2", series_document.context(experiment), language)
            for language in experiment.languages}
