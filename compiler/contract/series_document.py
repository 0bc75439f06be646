"""What the design and the results document of a series share: the experiment that holds it and a language in, the context
of `templates/documents/series.md.j2` out."""

from __future__ import annotations

from typing import Any

from . import names
from .experiment import Experiment
from .metrics import Metric
from .training import known

LOSSES = ("nats", "bits")
"""Units of what depends on which labels of which data are counted."""


def context(experiment: Experiment) -> dict[str, Any]:
    """The series, its runs in groups whose losses may be compared, and nothing measured."""
    series = known(experiment.series)
    groups = [[member for member in series.members if member.losses == kind]
              for kind in sorted({member.losses for member in series.members})]
    place = {key: index for index, key in enumerate(series.keys)}
    deciding = [(key, [group[0].values[place[key]] for group in groups]) for key in series.meaning if key in place]
    measured = (*(experiment.validation.measures if experiment.validation else ()), *experiment.evaluation.measures)
    everywhere = [one.name for one in measured if one.unit in LOSSES and not within_groups(experiment, one)]
    return {"series": series, "experiment": experiment, "groups": groups, "deciding": deciding, "everywhere": everywhere,
            "launcher": names.series_launcher(experiment), "letter": letter, "results": None}


def within_groups(experiment: Experiment, metric: Metric) -> bool:
    """Whether only runs of one group may be compared by a metric: a loss that depends on what the groups differ in."""
    same_with = getattr(experiment.training.config, "SAME_WITH", {}).get(metric.name, ())
    return metric.unit in LOSSES and not set(known(experiment.series).meaning).issubset(same_with)


def letter(losses: int) -> str:
    """The mark of runs whose losses may be compared: A, B, …"""
    return chr(ord("A") + losses) if losses < 26 else f"#{losses}"
