"""The frozen form of an experiment: predictions and standing warnings put in, then canonical text with its hashes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .contract import snapshot
from .contract.experiment import Experiment, Remark
from .diagnostics import Diagnostic, Severity
from .estimate import estimate


def predicted(experiment: Experiment) -> Experiment:
    """The experiment with what can be predicted of it."""
    return replace(experiment, predictions=estimate(experiment))


def warned(experiment: Experiment, diagnostics: Iterable[Diagnostic]) -> Experiment:
    """The experiment with the warnings that its author let stand; the documents show them."""
    standing = tuple(Remark(str(one.span or ""), {"any": one.message}, one.code)
                     for one in diagnostics if one.severity is Severity.WARNING)
    return replace(experiment, warnings=standing)


def freeze(experiment: Experiment) -> tuple[str, str]:
    """The snapshot's text and its `snapshot_sha256`."""
    frozen = snapshot.dumps(experiment)
    return frozen, snapshot.stated_sha256(frozen)
