"""The frozen form of an experiment: predictions and standing warnings put in, then canonical text with its hashes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .acknowledge import Acknowledged
from .contract import snapshot
from .contract.experiment import Experiment, Finding
from .contract.markdown import LANGUAGES
from .contract.promises import Text
from .contract.rendering import Words
from .diagnostics import Diagnostic, Severity
from .estimate import estimate
from .reckon import reckoned


def predicted(experiment: Experiment) -> Experiment:
    """The experiment with what can be predicted of it, set beside its claims."""
    return reckoned(replace(experiment, predictions=estimate(experiment)))


def warned(experiment: Experiment, diagnostics: Iterable[Diagnostic], acknowledged: Iterable[Acknowledged]) -> Experiment:
    """The experiment with the warnings that its author let stand, and those acknowledged; the documents show them."""
    standing = [_finding(one, {}, experiment) for one in diagnostics if one.severity is Severity.WARNING]
    return replace(experiment, warnings=(*standing, *(_finding(one.warning, one.reason, experiment) for one in acknowledged)))


def _finding(warning: Diagnostic, reason: Text, experiment: Experiment) -> Finding:
    return Finding(warning.code, str(warning.span or ""), _said(warning, experiment.counted), reason)


def _said(warning: Diagnostic, counted: str) -> Text:
    """The sentence of the warning's code in every language, filled with its figures; else its own, which is English."""
    key = f"warning.{warning.code}"
    words = {language: Words(language, counted) for language in LANGUAGES}
    if all(key in one for one in words.values()):
        return {language: one(key, **warning.figures) for language, one in words.items()}
    return {"any": warning.message}


def freeze(experiment: Experiment) -> tuple[str, str]:
    """The snapshot's text and its `snapshot_sha256`."""
    return snapshot.frozen(experiment)
