"""Whether the runs of a series are different runs, and what they were judged by is the same."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.codec import to_plain
from ..contract.experiment import Experiment
from ..diagnostics import Diagnostic, listing
from .subject import Subject

CODES = (
    entry(
        "E512",
        "A run stands twice in a series",
        "A series lists the runs before its own, each once and in order; the spec that lists them is the last run itself.",
        wrong="series: {name: two, title: Two runs, runs: [{spec: parent.yaml}, {spec: parent.yaml}]}",
        right="series: {name: two, title: Two runs, runs: [{spec: parent.yaml}]}",
    ),
    entry(
        "W512",
        "Runs of a series are judged by different prompts",
        "What people hear of one run on some prompts cannot be set against what they hear of another on others. Give the "
        "runs the same `data.prompts`, best in a shared base.",
        wrong="extends: lora.yaml\ndata: {prompts: [bells, a slow bass]}\n"
              "series: {name: two, title: Two runs, runs: [{spec: lora.yaml}]}",
        right="extends: lora.yaml\nmodel: {rank: 4}\nseries: {name: two, title: Two runs, runs: [{spec: lora.yaml}]}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Runs of the series against one another, and their prompts against this run's."""
    series = subject.experiment.series
    if series is None:
        return
    runs = [member.run for member in series.members]
    for index, run in enumerate(runs[:-1]):
        if run in runs[:index] or run == runs[-1]:
            yield subject.finding("E512", f"{run} stands in the series twice", f"series.runs.{index}.spec")
    own = _prompts(subject.experiment)
    others = {one.run: _prompts(one) for one in subject.earlier}
    differing = [f"{run} ({len(prompts)})" for run, prompts in others.items() if prompts != own]
    if own and differing:
        yield subject.warning("W512", "data.prompts", {"count": str(len(own)), "runs": listing(differing)},
                              "give all runs of the series the same prompts", ["series"])


def _prompts(experiment: Experiment) -> tuple[str, ...]:
    data = to_plain(experiment.training.config).get("data", {})
    return tuple(data.get("prompts") or ())
