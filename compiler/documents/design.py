"""The design document: experiment in, its Markdown in each report language and the drawing of its rate schedule out.

Pure text from the experiment alone: what is going to be run, why, what it differs in from its parent, what is predicted
and what is promised. The words come from `templates/words/`, the sections from `templates/documents/design.md.j2`.
"""

from __future__ import annotations

from typing import Any

from ..contract import document, names, rendering
from ..contract.experiment import Experiment
from ..contract.retention import newest_kept
from .drawing import render_schedule
from .machines import machines

CHECKPOINTS = 8
"""The file index names so many of the checkpoints that there are in the end."""


def render_documents(experiment: Experiment) -> dict[str, str]:
    """Texts by file name, all for the folder `generated/<run>/`: document and figure, each in every report language."""
    texts: dict[str, str] = {}
    for language in experiment.languages:
        texts[names.document(experiment, "DESIGN", language)] = render_design(experiment, language)
        if "rate" in experiment.training.curves:
            texts[names.schedule_figure(experiment, language)] = render_schedule(experiment, language)
    return texts


def render_design(experiment: Experiment, language: str) -> str:
    """The design document in one language, as GitHub-flavoured Markdown."""
    return rendering.render("documents/design.md.j2", _context(experiment, language), language)


def _context(experiment: Experiment, language: str) -> dict[str, Any]:
    return document.context(experiment, language) | {
        "figure": names.schedule_figure(experiment, language),
        "machines": machines(experiment),
        "files": _files(experiment, rendering.Words(language)),
    }


def _files(experiment: Experiment, words: rendering.Words) -> list[tuple[str, str]]:
    """(path, purpose) of what the build writes and of what the run will write."""
    run, generated, results = experiment.run, names.generated_folder(experiment.run), names.run_folder(experiment.run)
    files = [(names.launcher(experiment, target), words(f"file.launcher.{target}"))
             for target in experiment.launch.targets]
    files.append((names.snapshot(run), words("file.snapshot")))
    for language in experiment.languages:
        files.append((f"{generated}/{names.document(experiment, 'DESIGN', language)}", words("file.design")))
    if experiment.launch.standalone:
        files.append((names.launcher(experiment, "standalone"), words("file.launcher.standalone")))
    saves = experiment.watching is None or experiment.watching.checkpoints
    files += [(f"{names.checkpoint(run, step)}/", words("file.checkpoint"))
              for step in newest_kept(experiment, CHECKPOINTS) if saves]
    files.append((f"{results}/metrics.jsonl", words("file.metrics")))
    if experiment.evaluation.compare:
        files.append((f"{results}/{experiment.evaluation.results_file}", words("file.comparison")))
    for language in experiment.languages:
        files.append((f"{results}/{names.document(experiment, 'RESULTS', language)}", words("file.results")))
    return [*files, (f"{results}/notes.md", words("file.notes"))]

