"""Launchers: a frozen experiment and its snapshot's hash in, the text of executable scripts out, by file name.

A target is a module here with `TEMPLATE` and `context(experiment, snapshot_sha256)`, its template, and one line below.
"""

from __future__ import annotations

from types import ModuleType

from ..contract import names
from ..contract.experiment import Experiment
from . import bash, quoting, series, standalone, tmux

TARGETS: dict[str, ModuleType] = {
    "bash": bash,
    "tmux": tmux,
}


def render(experiment: Experiment, snapshot_sha256: str) -> dict[str, str]:
    """Text of each launcher by its path below `generated/`. The bash launcher is always there: the others run it."""
    modules = {target: TARGETS[target] for target in ("bash", *experiment.launch.targets)}
    if experiment.launch.standalone:
        modules["standalone"] = standalone
    texts = {names.launcher(experiment, target): quoting.render(module.TEMPLATE, module.context(experiment, snapshot_sha256))
             for target, module in modules.items()}
    if experiment.series:
        texts[names.series_launcher(experiment)] = quoting.render(series.TEMPLATE, series.context(experiment))
    return {name.removeprefix("generated/"): text for name, text in texts.items()}
