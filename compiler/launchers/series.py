"""The launcher of a series: the launchers of its runs in, the text of one that starts them one after another out."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from ..contract import names, rendering
from ..contract.experiment import Experiment
from ..contract.training import known
from .bash import build

TEMPLATE = "launchers/series.sh.j2"


def context(experiment: Experiment) -> dict[str, Any]:
    """Plain values; the template quotes each of them where it prints it."""
    series = known(experiment.series)
    return {
        "title": rendering.say(series.title, "en"),
        "launcher": names.series_launcher(experiment),
        "runs": [(member.run, PurePosixPath(member.launcher).name) for member in series.members],
        "build": build(experiment),
    }
