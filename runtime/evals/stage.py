"""The evaluate stage: a run's checkpoint and its suites in, `evaluation/step_<step>.json` out.

A result is used again as long as it comes from the same training, step, checkpoint and suites; any other is replaced.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.promises import Suite
from expc.compiler.contract.snapshot import training_sha256

from .. import families
from ..checkpoint import Found, Skipped, at_step, newest
from ..errors import MISSING, UserError
from ..files import MANIFEST, read_json, remove_leftovers, sha256_of, whole_folder, write_json
from ..parent import launch_command, remake
from ..prepare import prepare
from ..progress import Progress
from ..supervise import is_supervised
from ..supervise.evaluate import judged
from ..train import device
from ..workspace import run_folder
from . import suites
from .results import exhibits_folder, identity, result_path, why_unfit

Say = Callable[[str], None]


def evaluate(experiment: Experiment, workspace: Path, say: Say, step: int | None = None) -> Path:
    """Judges the checkpoint of a step, by default the last planned one; returns the result's file. Raises UserError."""
    step = experiment.training.steps if step is None else step
    found = _checkpoint(experiment, workspace, step)
    target = result_path(workspace, experiment.run, step)
    place = target.relative_to(workspace)
    checkpoint, existing = sha256_of(found.folder / MANIFEST), read_json(target)
    if isinstance(existing, dict) and not why_unfit(experiment, existing, step, checkpoint):
        say(f"evaluated already, from the same checkpoint in the same way: {place}")
        return target
    if target.is_file():
        say(f"{place} is of another checkpoint, or was judged in another way; evaluating again")
    remove_leftovers(target.parent, f".{target.stem}.")  # of an evaluation that was killed
    say(f"evaluating {experiment.run} at step {step:,}")
    judge, position = judged if is_supervised(experiment.training.family) else _judged_here, found.position
    measured = judge(experiment, workspace, found, say)
    write_json(target, identity(experiment, step) | {
        "checkpoint_sha256": checkpoint, **measured,
        "position": {"samples": position.samples, "tokens": position.tokens, "seconds": position.seconds}})
    if measured.get("composite"):
        say(f"composite: {suites.shown(measured['composite'])}")
    return target


def _judged_here(experiment: Experiment, workspace: Path, found: Found, say: Say) -> dict[str, Any]:
    """What the family itself finds, or the suites, on the data that was trained on."""
    data, fingerprint = prepare(experiment, workspace)
    _same_data(experiment, workspace, fingerprint)
    where, started = device(), time.monotonic()
    judge = _measured if experiment.evaluation.measures else _sampled
    results = judge(experiment, workspace, data, where, found, say)
    return {"device": str(where), "seconds": round(time.monotonic() - started, 3)} | results


def _measured(experiment: Experiment, workspace: Path, data: Path, where: torch.device, found: Found, say: Say,
              ) -> dict[str, Any]:
    """The findings of the family's own evaluation; its exhibits go into a folder beside the result, whole or not at all."""
    with whole_folder(exhibits_folder(workspace, experiment.run, found.position.step)) as folder:
        family = families.load(experiment.training.family)
        findings = family.evaluate(experiment.training, data, found.folder, where, folder, say)
    for metric in experiment.evaluation.measures:
        if metric.name in findings.measured:
            say(f"{metric.name}: {findings.measured[metric.name]:.4g}" + "".join(
                f", {name} {figures[metric.name]:.4g}" for name, figures in findings.against.items() if metric.name in figures))
    return {"suites": {}, "composite": None, "findings": asdict(findings)}


def _sampled(experiment: Experiment, workspace: Path, data: Path, where: torch.device, found: Found, say: Say,
             ) -> dict[str, Any]:
    """Scores by suite, and the composite, from completions of the suites' prompts."""
    generator = families.load(experiment.training.family).generator(experiment.training, data, found.folder, where)
    results = {suite.name: _run(suite, generator, say) for suite in experiment.evaluation.suites}
    return {"suites": results, "composite": suites.composite(results)}


def _run(suite: Suite, generator: families.Generator, say: Say) -> dict[str, Any]:
    count = len(suite.prompts) * suite.samples
    progress = Progress(suite.name, 0, count)
    result = suites.run_suite(suite, generator, lambda done, total: progress.show(done, "completions"))
    progress.say(f"{suite.name}: {suites.shown(result['score'])}, {count} completions of {len(suite.prompts)} prompts, "
                 f"{result['validity']:.0%} of them valid alphaTex")
    return result


def _same_data(experiment: Experiment, workspace: Path, fingerprint: dict[str, Any]) -> None:
    """Weights know the tokens of their own tokenizer only. Raises UserError where the data are not the training's."""
    record = read_json(run_folder(workspace, experiment.run) / "record.json") or {}
    trained = (record.get("data") or {}).get("sha256")
    if trained and trained != fingerprint.get("sha256"):
        raise UserError(f"{experiment.run} was trained on other data ({trained[:12]}) than lie here now "
                        f"({str(fingerprint.get('sha256'))[:12]}); train it again with: "
                        f"{launch_command(workspace, experiment.run)}", MISSING)


def _checkpoint(experiment: Experiment, workspace: Path, step: int) -> Found:
    """The checkpoint of exactly this step and training. Raises UserError with the command that makes it."""
    run, folder = experiment.run, run_folder(workspace, experiment.run) / "checkpoints"
    found, sha256 = at_step(folder, step), training_sha256(experiment.training)
    command = launch_command(workspace, run)
    if isinstance(found, Found) and found.state.get("training_sha256") == sha256:
        return found
    if isinstance(found, Found):
        raise UserError(f"the checkpoint of {run} at step {step:,} comes from another training; train it again with: "
                        f"{command}", MISSING)
    if isinstance(found, Skipped):
        raise UserError(f"the checkpoint of {run} at step {step:,} cannot be used: {found.why}; "
                        f"{remake(workspace, run, step, sha256)}", MISSING)
    furthest, _ = newest(folder, sha256)
    if furthest and furthest.position.step < step:
        raise UserError(f"{run} stands at step {furthest.position.step:,} of {step:,}; scores from there would not be "
                        f"those of the plan. Go on training with: {command}", MISSING)
    raise UserError(f"{run} has no checkpoint at step {step:,}; {remake(workspace, run, step, sha256)}", MISSING)
