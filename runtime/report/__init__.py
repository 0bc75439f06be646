"""The results document: a snapshot's experiment and its run folder in, documents and figures in the run folder out.

Every stage that has not been run gets a section that says so; missing numbers are dashes. Writing again overwrites.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from expc.compiler.contract import names, rendering
from expc.compiler.contract.experiment import Experiment

from ..evals import result_path
from ..files import write_atomic
from ..workspace import run_folder
from . import series
from .context import context, loss_unit, references
from .evidence import Evidence, gather
from .judgement import judge

LABELS = {"chance": "uniform guess, ln V", "unigram": "unigram entropy"}


def write(experiment: Experiment, workspace: Path, say: Callable[[str], None]) -> list[Path]:
    """Writes figures and the results document in every report language; returns the documents, first language first."""
    evidence, folder = gather(experiment, workspace), run_folder(workspace, experiment.run)
    judgement = judge(experiment, workspace)
    say("drawing the curves")
    figures = draw(experiment, evidence, folder)
    documents = []
    for language in experiment.languages:
        path = folder / names.document(experiment, "RESULTS", language)
        write_atomic(path, rendering.render("documents/results.md.j2",
                                            context(experiment, evidence, judgement, figures, language), language))
        say(f"wrote {path.relative_to(workspace)}")
        documents.append(path)
    return [*documents, *series.write(experiment, workspace, say)]


def publish(experiment: Experiment, workspace: Path, documents: list[Path]) -> list[Path]:
    """Copies documents and figures to `reports/<run>/`, where their links hold as well; returns the copies."""
    source, target = run_folder(workspace, experiment.run), workspace / "reports" / experiment.run
    copies = []
    evaluated = result_path(workspace, experiment.run, experiment.training.steps).with_suffix("")
    for path in [*documents, *sorted((source / "figures").glob("*.png")), *sorted(filter(Path.is_file, evaluated.rglob("*")))]:
        copies.append(target / path.relative_to(source))
        write_atomic(copies[-1], path.read_bytes())
    return copies


def _unit(experiment: Experiment) -> str:
    """What the drawn losses are counted in."""
    if not experiment.training.groups:
        return "loss, as the program reports it"
    if loss_unit(experiment) != "nats":
        return "loss"
    return "loss (nats per token)" if experiment.counted == "tokens" else "loss (nats)"


def draw(experiment: Experiment, evidence: Evidence, folder: Path) -> dict[str, str]:
    """The figures that there are points for: name -> path relative to the run's folder."""
    if not any(line["kind"] == "train" for line in evidence.metrics):
        return {"loss": "", "rate": ""}
    from .. import figures

    training, paths = experiment.training, {"loss": "figures/loss.png", "rate": "figures/rate.png"}
    levels = {LABELS[name]: value for name, value in references(experiment, evidence).items()}
    figures.loss_curve(folder / paths["loss"], f"{experiment.run}: loss", evidence.metrics, evidence.parent, levels,
                       _unit(experiment), {phase.start: phase.name for phase in training.phases[1:]},
                       any(phase.losses for phase in training.phases))
    if "rate" not in training.curves:
        return paths | {"rate": ""}
    figures.rate_curve(folder / paths["rate"], f"{experiment.run}: learning rate", evidence.metrics, evidence.parent,
                       training.curves["rate"], training.start, training.steps)
    return paths
