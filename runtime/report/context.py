"""The results document's context: experiment, evidence and judgement in, what `results.md.j2` uses out.

Nothing is judged here: verdicts and the scenario come from `runtime/verdicts.py`, ranking and gains from the
comparison's file. Sentences are put together from the words of the language.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from expc.compiler.contract import document, names, quantities, rendering, snapshot
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.rendering import Words
from expc.compiler.contract.training import known

from . import measured, readback, watched
from .evidence import Evidence
from .findings import findings
from .judgement import Judgement, rows, scenario_context, sentence, titles

SAMPLES, SAMPLE_LENGTH = 3, 400
VALIDATIONS = 12
RISE = 1.02
"""A held-out loss that ends higher than its minimum by more than this factor has risen."""


def context(experiment: Experiment, evidence: Evidence, judgement: Judgement, figures: dict[str, str],
            language: str) -> dict[str, Any]:
    """Everything that the template needs beyond the shared context, in one language."""
    words, shared = Words(language, experiment.counted), document.context(experiment, language)
    outcome = str(evidence.record.get("outcome") or "not_run")
    git = (evidence.attempts[-1].get("git") or {}) if evidence.attempts else {}
    models = _ranked(evidence)
    evaluation = evidence.evaluation
    return shared | {
        "outcome": outcome if f"outcome_of.{outcome}" in words else "not_run",
        "ended": evidence.attempts[-1].get("ended") if evidence.attempts else None,
        "design_document": names.document(experiment, "DESIGN", language),
        "summary": list(_summary(experiment, evidence, judgement, words)),
        "problems": list(_problems(experiment, evidence)),
        "comparison": evidence.comparison,
        "models": models,
        "comparison_problems": [
            f"{rendering.code(str(model['run']))}{words('colon')}{sentence('problem', problem, words)}"
            for model in models for problem in model["problems"] or ()],
        "fairness": list(_fairness(evidence, words)),
        "verdicts": rows(judgement, words),
        "scenario": scenario_context(judgement, words),
        "milestones": judgement.milestones,
        "guards": list(watched.guards(experiment, evidence.record, words)),
        "figures": figures,
        "validation": _validations(experiment, evidence),
        "valid_figures": _valid_figures(experiment),
        "valid_units": _valid_units(experiment),
        "loss_unit": loss_unit(experiment),
        "has_tunes": any(line["tunes_loss"] is not None for line in (*evidence.metrics, *evidence.parent)),
        "tunes_rise": _tunes_rise(evidence),
        "references": references(experiment, evidence),
        "evaluation": evaluation,
        "scored": (evaluation or {}).get("suites") or {},
        "findings": findings(experiment, evidence),
        "samples": _samples(evidence),
        "resources": measured.resources(experiment, evidence),
        "comparable": measured.on_target(experiment, evidence),
        "device": measured.device_name(evidence),
        "trained_steps": measured.trained_steps(experiment, evidence),
        "trained_tokens": measured.trained_tokens(experiment, evidence),
        "epochs": measured.epochs(experiment, evidence),
        "data_facts": measured.data_facts(evidence),
        "environment": measured.environment(evidence, words("yes"), words("no")),
        "attempts": [_attempt(attempt) for attempt in evidence.attempts],
        "readback": readback.readback(experiment, evidence),
        "notes": evidence.notes,
        "files": _files(experiment, evidence, figures, words),
        "setup": _setup(evidence),
        "commit": git.get("commit"),
        "dirty": git.get("dirty"),
        "hashes": _hashes(experiment, evidence),
    }


def _setup(evidence: Evidence) -> str:
    """The command that makes the environment again: the workspace's own, or the expc that ran it from the registry."""
    ran = evidence.host.get("expc")
    return "make setup" if evidence.makes_setup else f"pip install expc=={ran}" if ran else "pip install expc"


def references(experiment: Experiment, evidence: Evidence) -> dict[str, float]:
    """Losses to read the curve by: that of a uniform guess, and the entropy of token frequencies if it was recorded."""
    chance = next((one.value for one in experiment.predictions.figures if one.name == "chance_loss"), None)
    found = {"chance": chance, "unigram": (evidence.record.get("data") or {}).get("unigram_entropy")}
    return {name: value for name, value in found.items() if value is not None}


def _summary(experiment: Experiment, evidence: Evidence, judgement: Judgement, words: Words) -> Iterator[str]:
    """What was trained, how good it is and where it stands, which scenario came true: a sentence each."""
    training, step = experiment.training, evidence.step
    if step is None:
        yield words("summary.not_trained", run=rendering.code(experiment.run))
    else:
        name, unit = _headline(experiment, evidence)
        done, by_loss = step >= training.steps, name == "valid_loss"
        key = ("summary.trained" if by_loss else "summary.trained_by") if done else (
            "summary.partly" if by_loss else "summary.partly_by")
        yield words(key, run=rendering.code(experiment.run),
                    metric=words.label("metric", name), start=quantities.integer(training.start), step=quantities.integer(step),
                    planned=quantities.integer(training.steps), device=rendering.inline(measured.device_name(evidence)),
                    loss=rendering.amount(evidence.last("valid", name), unit))
    composite = (evidence.evaluation or {}).get("composite") or {}
    ranked = [model for model in _ranked(evidence) if model["rank"] is not None]
    own = next((model for model in ranked if model["run"] == experiment.run), None)
    score = quantities.percent(composite.get("mean"))
    if own:
        key = "summary.first" if own is ranked[0] else "summary.ranked"
        yield words(key, score=score, rank=own["rank"], count=len(ranked), best=rendering.code(ranked[0]["run"]))
    else:
        found = (evidence.evaluation or {}).get("findings")
        without = words("summary.evaluated" if found else "summary.not_scored")
        yield words("summary.scored", score=score) if composite else without
    yield from _outcome(judgement, words)


def _headline(experiment: Experiment, evidence: Evidence) -> tuple[str, str]:
    """Name and unit of what a sentence says of validations: the loss or, where there is none, the first that was measured."""
    units = _valid_units(experiment)
    name = next((name for name in ("valid_loss", *units) if evidence.last("valid", name) is not None), "valid_loss")
    return name, units.get(name, "number")


def _outcome(judgement: Judgement, words: Words) -> Iterator[str]:
    """The scenario that came true, or where there are none how many expectations were met."""
    scenario = judgement.scenario
    if scenario and scenario.case:
        key = "summary.scenario" if scenario.decided else "summary.open_scenario"
        yield words(key, title=titles((scenario.case,), words), possible=titles(scenario.possible, words))
    elif scenario:
        yield words("summary.no_scenario", reason=sentence("reason", scenario.reason, words))
    elif judgement.verdicts:
        met = sum(verdict.outcome == "met" for verdict in judgement.verdicts)
        yield words("summary.met", met=met, count=len(judgement.verdicts))


def _fairness(evidence: Evidence, words: Words) -> Iterator[str]:
    """What the comparison found unequal, model by model where the models have the figure."""
    figure = {"steps_differ": "step", "tokens_differ": "tokens", "parameters_differ": "parameters"}
    for found in (evidence.comparison or {}).get("fairness") or ():
        key = figure.get(found["code"])
        figures = words("list").join(f"{rendering.inline(str(model['run']))} {quantities.integer(model[key])}"
                                     for model in _ranked(evidence) if key and model[key] is not None)
        yield sentence("fairness", {**found, "figures": figures} if key else found, words)


def _problems(experiment: Experiment, evidence: Evidence) -> Iterator[str]:
    """Codes of what a reader has to know before any number: evidence that is not of this plan."""
    identity = snapshot.training_sha256(experiment.training)
    if evidence.record.get("training_sha256") not in (None, identity):
        yield "record_of_another_training"
    if (evidence.evaluation or {}).get("training_sha256") not in (None, identity):
        yield "evaluation_of_another_training"


def _ranked(evidence: Evidence) -> list[dict[str, Any]]:
    """The compared models, best first, those without a rank last."""
    models = (evidence.comparison or {}).get("models") or []
    return sorted(models, key=lambda model: (model["rank"] is None, model["rank"] or 0))


def loss_unit(experiment: Experiment) -> str:
    """What the family counts its loss in; what a foreign program's loss is counted in is its own business."""
    return _valid_units(experiment).get("valid_loss", "number")


def _valid_figures(experiment: Experiment) -> tuple[str, ...]:
    """What is measured on held-out data, in the order of the table."""
    if experiment.watching is None:
        return tuple(one.name for one in known(experiment.validation).measures if one.name != "tunes_loss")
    found = (name for reader in experiment.watching.readers if reader.kind == "valid" for name in reader.figures)
    return tuple(dict.fromkeys(found))


def _valid_units(experiment: Experiment) -> dict[str, str]:
    """Units of what is measured on held-out data; what a foreign program's figures are counted in is its own business."""
    said = experiment.validation.measures if experiment.validation else ()
    return dict.fromkeys(_valid_figures(experiment), "number") | {one.name: one.unit for one in said}


def _validations(experiment: Experiment, evidence: Evidence) -> list[dict[str, Any]]:
    """The parent's last validation, then a dozen of this run's, evenly spread, the last one always among them."""
    own = [line for line in evidence.metrics if line["kind"] == "valid"]
    before = [line for line in evidence.parent if line["kind"] == "valid"][-1:]
    stride = max(1, -(-len(own) // VALIDATIONS))
    kept = [(True, line) for line in before] + [(False, line) for line in own[::-stride][::-1]]
    missing = dict.fromkeys(("tunes_loss", *_valid_figures(experiment)))
    return [{**missing, **line, "parents": parents} for parents, line in kept]


def _tunes_rise(evidence: Evidence) -> dict[str, Any] | None:
    """Where the loss on the tunes ends clearly above its lowest value, though that on generated pieces does not."""
    lines = [line for line in evidence.metrics if line["kind"] == "valid" and line["tunes_loss"] is not None]
    if len(lines) < 2:
        return None
    lowest, last = min(lines, key=lambda line: line["tunes_loss"]), lines[-1]
    rises = last["tunes_loss"] > RISE * lowest["tunes_loss"] and last["valid_loss"] <= lowest["valid_loss"]
    return {"step": lowest["step"], "lowest": lowest["tunes_loss"], "last": last["tunes_loss"]} if rises else None


def _samples(evidence: Evidence) -> dict[str, list[dict[str, Any]]]:
    """The first completion of up to three prompts of each suite, shown after its prompt and cut to a readable size."""
    chosen: dict[str, list[dict[str, Any]]] = {}
    for name, suite in ((evidence.evaluation or {}).get("suites") or {}).items():
        firsts: dict[str, dict[str, Any]] = {}
        for sample in suite["samples"] or ():
            firsts.setdefault(str(sample["prompt"]), sample)
        chosen[name] = [{**sample, "prompt": prompt, "score": sample["score"], "validity": sample["validity"],
                         "shown": _cut(prompt + str(sample["completion"] or ""))}
                        for prompt, sample in list(firsts.items())[:SAMPLES]]
    return chosen


def _cut(text: str) -> str:
    return text if len(text) <= SAMPLE_LENGTH else text[:SAMPLE_LENGTH] + " …"


def _attempt(attempt: dict[str, Any]) -> dict[str, Any]:
    shown = {name: str(attempt.get(name) or quantities.DASH) for name in ("started", "ended", "device", "outcome")}
    return shown | {name: attempt.get(name) for name in ("from_step", "to_step", "train_seconds")}


def _files(experiment: Experiment, evidence: Evidence, figures: dict[str, str], words: Words) -> list[tuple[str, str]]:
    """(path, purpose) of what there is, relative to the workspace."""
    folder, run = names.run_folder(experiment.run), experiment.run
    purposes = {"record.json": "record", "metrics.jsonl": "metrics", "events.jsonl": "events", "notes.md": "notes",
                experiment.evaluation.results_file: "comparison"}
    files = [(path, words("file.launcher." + target)) for target, path in
             ((target, names.launcher(experiment, target)) for target in experiment.launch.targets)]
    files.append((names.snapshot(run), words("file.snapshot")))
    for name in sorted(evidence.files):
        kind = ("checkpoint" if name.startswith("checkpoints/") else "evaluation" if name.startswith("evaluation/")
                else purposes.get(name))
        files += [(f"{folder}/{name}", words(f"file.{kind}"))] if kind else []
    files += [(f"{folder}/{path}", words("file.figure")) for path in figures.values() if path]
    return files + [(f"{folder}/{names.document(experiment, 'RESULTS', language)}", words("file.results"))
                    for language in experiment.languages]


def _hashes(experiment: Experiment, evidence: Evidence) -> list[tuple[str, str]]:
    """Names and hashes that a reproduction has to agree with."""
    data = evidence.record.get("data") or {}
    found = [("training_sha256 ", snapshot.training_sha256(experiment.training)),
             ("snapshot_sha256 ", snapshot.stated_sha256(snapshot.dumps(experiment)))]
    found += [(f"data.{name}", data[name]) for name in sorted(data) if name.endswith("sha256")]
    width = max(len(name) for name, _ in found)
    return [(name.ljust(width), value) for name, value in found]
