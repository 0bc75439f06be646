"""The compare stage: this run and those that its spec names, ranked by composite score, into one JSON file and a table.

Numbers come from evaluations of the stated checkpoints alone. A model without one is evaluated now if its checkpoint is
there; otherwise it is listed with the reason and without numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.promises import Compared
from expc.compiler.contract.quantities import DASH, duration, integer, percent
from expc.compiler.contract.snapshot import training_sha256

from .errors import UserError
from .evals import evaluate, evaluation_sha256
from .evals.suites import clusters, plain
from .files import read_json, write_json
from .journal import read_lines
from .snapshot import load
from .statistics import weighted_gain
from .workspace import run_folder

FORMAT = "expc.comparison/1"
Say = Callable[[str], None]


def compare(experiment: Experiment, workspace: Path, say: Say) -> Path:
    """Writes the comparison's JSON file and prints the ranking; returns the file."""
    own = Compared(experiment.run, experiment.name, experiment.title, experiment.training.steps,
                   training_sha256(experiment.training), sum(experiment.predictions.parameters.values()))
    evaluations: dict[str, dict[str, Any]] = {}
    models = [_model(experiment, workspace, one, evaluations, say) for one in (*experiment.evaluation.compare, own)]
    for place, model in enumerate(sorted(filter(_scored, models), key=lambda one: -one["composite"]["mean"]), 1):
        model["rank"] = place
    body = {
        "format": FORMAT,
        "run": experiment.run,
        "ranking": [one["run"] for one in sorted(filter(_scored, models), key=lambda one: one["rank"])],
        "models": models,
        "gains": _gains(experiment, evaluations),
        "fairness": fairness(models),
    }
    target = run_folder(workspace, experiment.run) / experiment.evaluation.results_file
    write_json(target, body)
    for line in table(models):
        say(line)
    say(f"wrote {target.relative_to(workspace)}")
    return target


def _scored(model: dict[str, Any]) -> bool:
    return model["composite"] is not None


def _model(experiment: Experiment, workspace: Path, said: Compared, evaluations: dict[str, dict[str, Any]],
           say: Say) -> dict[str, Any]:
    """One row: what was asked for, what is known of it, and what stands in the way."""
    row: dict[str, Any] = {"run": said.run, "experiment": said.experiment, "planned_step": said.step, "step": None,
                           "parameters": said.parameters, "rank": None, "composite": None, "suites": {}, "tokens": None,
                           "train_seconds": None, "valid_loss": None, "tunes_loss": None, "device": None, "cost": None,
                           "problems": []}
    try:
        result = _evaluation(experiment, workspace, said, say)
    except UserError as error:
        row["problems"].append({"code": "not_evaluated", "why": str(error)})
        say(f"{said.run}: {error}")
        return row
    evaluations[said.run] = result
    tokens, seconds = spent(workspace, said.run)
    row |= {"step": result["step"], "composite": result["composite"], "device": _machine(workspace, said.run),
            "suites": {suite.name: result["suites"][suite.name]["score"] for suite in experiment.evaluation.suites},
            "tokens": tokens, "train_seconds": seconds, **_losses(workspace, said.run, said.step)}
    row["cost"] = _cost(row)
    return row


def _evaluation(experiment: Experiment, workspace: Path, said: Compared, say: Say) -> dict[str, Any]:
    """The evaluation of a model at its stated step, made now where there is none. Raises UserError."""
    if said.run == experiment.run:
        path = evaluate(experiment, workspace, say)
    else:
        folder = run_folder(workspace, said.run)
        if not (folder / "snapshot.json").is_file():
            raise UserError(f"{said.run} has not been trained")
        other = load(folder).experiment
        if training_sha256(other.training) != said.training_sha256:
            raise UserError(f"runs/{said.run} was trained from another spec than the one compared with")
        if evaluation_sha256(other) != evaluation_sha256(experiment):
            raise UserError(f"runs/{said.run} was built with other suites; build and run it again")
        path = evaluate(other, workspace, say, said.step)
    result: dict[str, Any] = read_json(path)
    return result


def spent(workspace: Path, run: str) -> tuple[int | None, float | None]:
    """Tokens and training seconds that went into a run's weights, its parents' included; None where a record lacks them."""
    record = read_json(run_folder(workspace, run) / "record.json") or {}
    return record.get("tokens"), _with_parents(workspace, run, record.get("train_seconds"))


def _with_parents(workspace: Path, run: str, own: float | None) -> float | None:
    """A run's own training seconds and those of its parents up to where it resumed."""
    try:
        resume = load(run_folder(workspace, run)).experiment.training.resume
    except UserError:
        return None
    if resume is None or own is None:
        return own
    paces = [line["seconds"] for line in read_lines(run_folder(workspace, resume.parent) / "metrics.jsonl")
             if line.get("kind") == "pace" and line["step"] <= resume.step]
    before = _with_parents(workspace, resume.parent, paces[-1] if paces else None)
    return None if before is None else own + before


def _machine(workspace: Path, run: str) -> str | None:
    attempts = (read_json(run_folder(workspace, run) / "record.json") or {}).get("attempts") or [{}]
    host = attempts[-1].get("host") or {}
    return host.get("gpu") or host.get("cpu")


def _losses(workspace: Path, run: str, step: int) -> dict[str, float | None]:
    lines = [line for line in read_lines(run_folder(workspace, run) / "metrics.jsonl")
             if line.get("kind") == "valid" and line["step"] == step]
    last = lines[-1] if lines else {}
    return {name: last.get(name) for name in ("valid_loss", "tunes_loss")}


def _cost(row: dict[str, Any]) -> dict[str, float | None]:
    """Points (hundredths of the composite score) a million parameters, a million tokens, and an hour of training."""
    points = 100 * row["composite"]["mean"]
    hours = row["train_seconds"] / 3600 if row["train_seconds"] else None
    return {
        "points_per_million_parameters": points / (row["parameters"] / 1e6) if row["parameters"] else None,
        "points_per_million_tokens": points / (row["tokens"] / 1e6) if row["tokens"] else None,
        "points_per_hour": points / hours if hours else None,
    }


def _gains(experiment: Experiment, evaluations: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What this run gained over its parent, prompt by prompt, overall and by suite."""
    resume = experiment.training.resume
    before, after = evaluations.get(resume.parent if resume else ""), evaluations.get(experiment.run)
    if not before or not after:
        return []
    pairs = {suite.name: (suite.weight, clusters(before["suites"][suite.name]["samples"]),
                          clusters(after["suites"][suite.name]["samples"])) for suite in experiment.evaluation.suites}
    overall = plain(weighted_gain(list(pairs.values())))
    steps = after["step"] - before["step"]
    return [{"from": before["run"], "to": after["run"], "from_step": before["step"], "to_step": after["step"],
             "steps": steps, "composite": overall, "per_thousand_steps": overall["mean"] / steps * 1000 if steps else None,
             "suites": {name: plain(weighted_gain([(1.0, old, new)])) for name, (_, old, new) in pairs.items()}}]


def fairness(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What makes the scored models unequal, as codes with the smallest and the largest figure."""
    notes = []
    for code, key in (("steps_differ", "step"), ("tokens_differ", "tokens"), ("parameters_differ", "parameters")):
        values = [model[key] for model in models if _scored(model) and model[key] is not None]
        if len(set(values)) > 1:
            notes.append({"code": code, "least": min(values), "most": max(values)})
    machines = sorted({str(model["device"]) for model in models if _scored(model)})
    if len(machines) > 1:
        notes.append({"code": "machines_differ", "machines": ", ".join(machines)})
    return notes


def table(models: list[dict[str, Any]]) -> list[str]:
    """The ranking for a terminal."""
    suites = list(dict.fromkeys(name for model in models for name in model["suites"]))
    rows = [["rank", "model", "step", "parameters", *suites, "composite", "95 % interval", "train time"]]
    for model in sorted(models, key=lambda one: (one["rank"] is None, one["rank"] or 0)):
        overall = model["composite"] or {}
        low, high = (percent(overall.get(side)) for side in ("low", "high"))
        scores = [percent((model["suites"].get(name) or {}).get("mean")) for name in suites]
        rows.append([str(model["rank"] or DASH), model["run"], integer(model["step"]), integer(model["parameters"]), *scores,
                     percent(overall.get("mean")), f"{low} to {high}" if overall else DASH,
                     duration(model["train_seconds"])])
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows]


def _width(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
