"""The compare stage: this run and those that its spec names, ranked by composite score, into one JSON file and a table.

Numbers come from evaluations of the stated checkpoints alone. A model without one is evaluated now if its checkpoint is
there; otherwise it is listed with the reason and without numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.promises import Compared
from expc.compiler.contract.quantities import DASH, decimal, duration, integer, percent
from expc.compiler.contract.snapshot import training_sha256

from .errors import UserError
from .evals import evaluate, evaluation_sha256
from .evals.suites import gain
from .files import read_json, write_json
from .journal import read_lines
from .parent import launch_command
from .snapshot import load
from .workspace import checkpoint_folder, run_folder

FORMAT = "expc.comparison/1"
Say = Callable[[str], None]


class NotComparable(Exception):
    """A model that gets no numbers: the message says why and what to do, `problem` is a code with its figures."""

    def __init__(self, message: str, code: str, **figures: Any) -> None:
        super().__init__(message)
        self.problem = {"code": code, **figures}


def compare(experiment: Experiment, workspace: Path, say: Say) -> Path:
    """Writes the comparison's JSON file and prints the ranking; returns the file."""
    own = Compared(experiment.run, experiment.name, experiment.title, experiment.training.steps,
                   training_sha256(experiment.training), sum(experiment.predictions.parameters.values()) or None)
    models, evaluations = [], {}
    for said in (*experiment.evaluation.compare, own):
        row, evaluation = _model(experiment, workspace, said, say)
        models.append(row)
        evaluations[said.run] = evaluation
    scored = sorted((row for row in models if row["composite"]), key=lambda row: -row["composite"]["mean"])
    for place, row in enumerate(scored, 1):
        row["rank"] = place
    target = run_folder(workspace, experiment.run) / experiment.evaluation.results_file
    write_json(target, {
        "format": FORMAT,
        "run": experiment.run,
        "training_sha256": training_sha256(experiment.training),
        "evaluation_sha256": evaluation_sha256(experiment),
        "ranking": [row["run"] for row in scored],
        "models": models,
        "gains": _gains(experiment, workspace, evaluations, say),
        "fairness": fairness(scored),
    })
    for line in table(models, [suite.name for suite in experiment.evaluation.suites]):
        say(line)
    say(f"wrote {target.relative_to(workspace)}")
    return target


def _model(experiment: Experiment, workspace: Path, said: Compared,
           say: Say) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """One row of the comparison and the evaluation that it is made from; without one, what stands in the way."""
    row: dict[str, Any] = {"run": said.run, "experiment": said.experiment, "planned_step": said.step, "step": None,
                           "parameters": said.parameters, "rank": None, "composite": None, "suites": {}, "tokens": None,
                           "train_seconds": None, "valid_loss": None, "tunes_loss": None, "device": None, "data": None,
                           "checkpoint_sha256": None, "cost": None, "problems": []}
    try:
        evaluation = _evaluation(experiment, workspace, said, say)
    except NotComparable as error:
        row["problems"].append(error.problem)
        say(f"{said.run} is not ranked: {error}")
        return row, None
    record = read_json(run_folder(workspace, said.run) / "record.json") or {}
    position = evaluation.get("position") or {}
    row |= {"step": evaluation["step"], "composite": evaluation["composite"], "device": _machine(record),
            "suites": {name: suite["score"] for name, suite in evaluation["suites"].items()},
            "tokens": position.get("tokens"),
            "train_seconds": _with_parents(workspace, said.run, position.get("seconds")),
            "data": (record.get("data") or {}).get("sha256"), "checkpoint_sha256": evaluation.get("checkpoint_sha256"),
            **_losses(workspace, said.run, said.step)}
    return row | {"cost": _cost(row)}, evaluation


def _evaluation(experiment: Experiment, workspace: Path, said: Compared, say: Say) -> dict[str, Any]:
    """The evaluation of a model at its stated step on this experiment's suites, made now where there is none."""
    other = experiment
    if said.run != experiment.run:
        folder = run_folder(workspace, said.run)
        if not (folder / "snapshot.json").is_file():
            raise NotComparable(f"it has not been trained; do that with: {launch_command(workspace, said.run)}",
                                "not_trained", step=said.step)
        try:
            other = load(folder).experiment
        except UserError as error:
            raise NotComparable(str(error), "not_evaluated", why=str(error)) from error
    if training_sha256(other.training) != said.training_sha256:
        raise NotComparable(f"runs/{said.run} holds another training than the one compared with; move it away and train "
                            f"again: {launch_command(workspace, said.run)}", "other_training", step=said.step)
    asked = dataclasses.replace(other.evaluation, suites=experiment.evaluation.suites)
    try:
        path = evaluate(dataclasses.replace(other, evaluation=asked), workspace, say, said.step)
    except UserError as error:
        raise NotComparable(str(error), "not_evaluated", why=str(error)) from error
    result: dict[str, Any] = read_json(path)
    return result


def _with_parents(workspace: Path, run: str, own: float | None) -> float | None:
    """A run's own training seconds and those of its parents up to where it resumed; None where a part is not known."""
    try:
        resume = load(run_folder(workspace, run)).experiment.training.resume
    except UserError:
        return None
    if resume is None or own is None:
        return own
    before = _with_parents(workspace, resume.parent, _seconds_at(workspace, resume.parent, resume.step))
    return None if before is None else own + before


def _seconds_at(workspace: Path, run: str, step: int) -> float | None:
    """Seconds inside a run's own training steps up to a step: the checkpoint's, else the journal's."""
    state = read_json(checkpoint_folder(workspace, run, step) / "state.json")
    if isinstance(state, dict) and "seconds" in (state.get("position") or {}):
        return float(state["position"]["seconds"])
    lines = read_lines(run_folder(workspace, run) / "metrics.jsonl")
    return next((float(line["seconds"]) for line in lines if line.get("step") == step and "seconds" in line), None)


def _machine(record: dict[str, Any]) -> str | None:
    """What the run was trained on; several machines are all named."""
    hosts = [attempt.get("host") or {} for attempt in record.get("attempts") or ()]
    return ", ".join(dict.fromkeys(str(host.get("gpu") or host.get("cpu")) for host in hosts)) or None


def _losses(workspace: Path, run: str, step: int) -> dict[str, float | None]:
    """The held-out losses that were measured at exactly this step."""
    lines = [line for line in read_lines(run_folder(workspace, run) / "metrics.jsonl")
             if line.get("kind") == "valid" and line.get("step") == step]
    last = lines[-1] if lines else {}
    return {name: last.get(name) for name in ("valid_loss", "tunes_loss")}


def _cost(row: dict[str, Any]) -> dict[str, float | None]:
    """Points (hundredths of the composite score) a million parameters, a million tokens, and an hour of training."""
    points = 100 * row["composite"]["mean"]
    spent = {"points_per_million_parameters": (row["parameters"], 1e6),
             "points_per_million_tokens": (row["tokens"], 1e6), "points_per_hour": (row["train_seconds"], 3600)}
    return {name: points / (amount / unit) if amount else None for name, (amount, unit) in spent.items()}


def _gains(experiment: Experiment, workspace: Path, evaluations: dict[str, dict[str, Any] | None],
           say: Say) -> list[dict[str, Any]]:
    """What this run gained over its parent at the step it resumed from, prompt by prompt, overall and by suite."""
    resume, after = experiment.training.resume, evaluations[experiment.run]
    if resume is None or after is None:
        return []
    before = evaluations.get(resume.parent)
    if before is None or before["step"] != resume.step:
        parent = Compared(resume.parent, resume.parent, {}, resume.step, resume.parent_training_sha256, None)
        try:
            before = _evaluation(experiment, workspace, parent, say)
        except NotComparable:
            return []
    steps, gained = after["step"] - before["step"], gain(before["suites"], after["suites"])
    return [{"from": before["run"], "to": after["run"], "from_step": before["step"], "to_step": after["step"],
             "steps": steps, "per_thousand_steps": gained["composite"]["mean"] / steps * 1000, **gained}]


def fairness(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What makes the ranked models unequal, as codes with the smallest and the largest figure."""
    notes = []
    for code, key in (("steps_differ", "step"), ("tokens_differ", "tokens"), ("parameters_differ", "parameters")):
        values = [model[key] for model in models if model[key] is not None]
        if len(set(values)) > 1:
            notes.append({"code": code, "least": min(values), "most": max(values)})
    if len({model["data"] for model in models if model["data"]}) > 1:
        notes.append({"code": "data_differ"})
    machines = sorted({str(model["device"]) for model in models})
    if len(machines) > 1:
        notes.append({"code": "machines_differ", "machines": ", ".join(machines)})
    return notes


def table(models: list[dict[str, Any]], suites: list[str]) -> list[str]:
    """The ranking for a terminal: best first, models without a score last."""
    rows = [["rank", "model", "step", "parameters", "valid loss", *suites, "composite", "95 % interval", "train time"]]
    for model in sorted(models, key=lambda one: (one["rank"] is None, one["rank"] or 0)):
        overall = model["composite"] or {}
        low, high = overall.get("low"), overall.get("high")
        scores = [percent((model["suites"].get(name) or {}).get("mean")) for name in suites]
        rows.append([str(model["rank"] or DASH), model["run"], integer(model["step"]), integer(model["parameters"]),
                     decimal(model["valid_loss"], 3), *scores, percent(overall.get("mean")),
                     DASH if low is None or high is None else f"{percent(low)} to {percent(high)}",
                     duration(model["train_seconds"])])
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows]


def _width(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
