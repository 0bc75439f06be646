"""Applies the contract's retention to a run's checkpoints, after each that is saved.

Nothing goes that another experiment of the workspace starts from or is compared with, nor before the newest one has been
read back whole. What is corrupt, foreign or renamed by a person is neither counted nor touched.
"""

from __future__ import annotations

from pathlib import Path

from expc.compiler.contract import names, retention, snapshot
from expc.compiler.contract.experiment import Experiment

from .checkpoint import Skipped, claims, inspect
from .files import broken, discard, remove_leftovers
from .journal import read_lines


def prune(saved: Path, experiment: Experiment, run_folder: Path, at_least: int = 1) -> list[Path]:
    """Deletes the checkpoints of a run that are not kept, now that `saved` is there; returns them.

    The newest `at_least` stay whatever the policy says.
    """
    remove_leftovers(saved.parent)
    latest = inspect(saved)
    if isinstance(latest, Skipped):
        return []
    ours = {step: path for path, step, training in claims(saved.parent)
            if step is not None and step <= latest.position.step and training == latest.state.get("training_sha256")
            and path.name == f"step_{step:06d}" and broken(path, hashes=False) is None}
    stay = retention.survivors(experiment, ours, measured(experiment, run_folder))
    stay |= wanted(run_folder.parent.parent, experiment.run) | set(sorted(ours)[-at_least:])
    dropped = [path for step, path in ours.items() if step not in stay]
    for path in dropped:
        discard(path)
    return dropped


def measured(experiment: Experiment, run_folder: Path) -> dict[int, float]:
    """What the validations of the run found of the metric that the best checkpoints go by, by step."""
    best = experiment.checkpoint.keep_best
    if best is None:
        return {}
    lines = (line for line in read_lines(run_folder / "metrics.jsonl") if line.get("kind") == "valid")
    return {line["step"]: line[best.metric] for line in lines if isinstance(line.get(best.metric), float)}


def wanted(workspace: Path, run: str) -> set[int]:
    """Steps of a run that experiments of the workspace, built or run, resume from or are compared with."""
    steps: set[int] = set()
    for folder in (names.generated_folder("*"), names.run_folder("*")):
        for path in workspace.glob(f"{folder}/snapshot.json"):
            try:
                other = snapshot.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):  # of another version, or being written
                continue
            resume = other.training.resume
            steps |= {resume.step} if resume and resume.parent == run else set()
            steps |= {one.step for one in other.evaluation.compare if one.run == run}
    return steps
