"""The evaluate stage: a run's checkpoint and its suites in, `evaluation/step_<step>.json` out.

A result is used again as long as it comes from the same weights, suites and training; anything else is done anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from expc.compiler.contract import canonical
from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.snapshot import training_sha256

from .. import families
from ..checkpoint import MANIFEST, Found, Skipped, at_step
from ..errors import MISSING, UserError
from ..files import read_json, sha256_of, write_json
from ..parent import launch_command
from ..prepare import prepare
from ..train import device
from ..workspace import run_folder
from . import suites

FORMAT = "expc.evaluation/1"
Say = Callable[[str], None]


def evaluation_sha256(experiment: Experiment) -> str:
    """The identity of what is asked: the suites alone, so that runs with the same suites can be compared."""
    return canonical.sha256(to_plain(experiment.evaluation.suites))


def result_path(workspace: Path, run: str, step: int) -> Path:
    """Where the evaluation of a step lies."""
    return run_folder(workspace, run) / "evaluation" / f"step_{step:06d}.json"


def evaluate(experiment: Experiment, workspace: Path, say: Say, step: int | None = None) -> Path:
    """Judges the checkpoint of a step, by default the last planned one; returns the result's file. Raises UserError."""
    step = experiment.training.steps if step is None else step
    found = _checkpoint(experiment, workspace, step)
    target = result_path(workspace, experiment.run, step)
    identity = {"format": FORMAT, "run": experiment.run, "step": step,
                "training_sha256": training_sha256(experiment.training),
                "evaluation_sha256": evaluation_sha256(experiment),
                "weights_sha256": _weights(found)}
    existing = read_json(target)
    if isinstance(existing, dict) and all(existing.get(key) == value for key, value in identity.items()):
        say(f"evaluated already: {target.relative_to(workspace)}")
        return target
    data, fingerprint = prepare(experiment, workspace)
    _same_data(experiment, workspace, fingerprint)
    where, started = device(), time.monotonic()
    generator = families.load(experiment.training.family).generator(experiment.training, data, found.folder, where)
    results = {suite.name: _run(suite, generator, say) for suite in experiment.evaluation.suites}
    overall = suites.composite(experiment.evaluation, results)
    write_json(target, identity | {"device": str(where), "seconds": round(time.monotonic() - started, 3),
                                   "suites": results, "composite": suites.plain(overall)})
    say(f"composite {overall.mean:.1%} (95 % interval {overall.low:.1%} to {overall.high:.1%})")
    return target


def _run(suite: Any, generator: families.Generator, say: Say) -> dict[str, Any]:
    result = suites.run_suite(suite, generator, lambda done, total: say(f"{suite.name}: {done}/{total} completions"))
    score = result["score"]
    say(f"{suite.name}: {score['mean']:.1%} (95 % interval {score['low']:.1%} to {score['high']:.1%})")
    return result


def _weights(found: Found) -> str:
    return sha256_of(found.folder / MANIFEST)


def _same_data(experiment: Experiment, workspace: Path, fingerprint: dict[str, Any]) -> None:
    """Weights read tokens of their own tokenizer only. Raises UserError where the data are not those of the training."""
    record = read_json(run_folder(workspace, experiment.run) / "record.json") or {}
    trained = (record.get("data") or {}).get("sha256")
    if trained and trained != fingerprint.get("sha256"):
        raise UserError(f"{experiment.run} was trained on other data ({trained[:12]}) than lie here now "
                        f"({str(fingerprint.get('sha256'))[:12]}); train it again with: "
                        f"{launch_command(workspace, experiment.run)}", MISSING)


def _checkpoint(experiment: Experiment, workspace: Path, step: int) -> Found:
    found = at_step(run_folder(workspace, experiment.run) / "checkpoints", step)
    if isinstance(found, Skipped) or found is None:
        why = f"is no good: {found.why}" if found else "is missing"
        raise UserError(f"the checkpoint of {experiment.run} at step {step:,} {why}; train it with: "
                        f"{launch_command(workspace, experiment.run)}", MISSING)
    if found.state.get("training_sha256") != training_sha256(experiment.training):
        raise UserError(f"the checkpoint of {experiment.run} at step {step:,} comes from another training; train it again "
                        f"with: {launch_command(workspace, experiment.run)}", MISSING)
    return found
