"""Guards and milestones of a spec: what they become in the snapshot, and where mistakes in them are said to be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from expc.compiler.contract import snapshot
from expc.compiler.contract.guards import NOT_FINITE, Action
from expc.compiler.diagnostics import Diagnostic
from expc.compiler.lowering.guards import name_of, signals
from expc.compiler.pipeline import Compiled, Session

EXAMPLES = Path(__file__).parent / "examples"


def compiled(workspace: Path, more: str) -> Compiled:
    """The example spec with more sections."""
    shutil.copytree(EXAMPLES, workspace, dirs_exist_ok=True)
    spec = workspace / "specs" / "child.yaml"
    spec.write_text(f"extends: parent.yaml\nname: child\n{more}", encoding="utf-8")
    return Session(workspace).compile(spec)


def experiment(workspace: Path, more: str):  # type: ignore[no-untyped-def]
    found = compiled(workspace, more)
    assert found.experiment is not None, found.diagnostics
    return found.experiment


def test_without_guards_a_loss_that_is_not_finite_stops(tmp_path: Path) -> None:
    assert experiment(tmp_path, "").guards == (NOT_FINITE,)


def test_a_guard_becomes_canonical_and_reads_back_from_the_snapshot(tmp_path: Path) -> None:
    made = experiment(tmp_path, """
guards:
  - when: loss > 10 x median(200 steps)
    then: {roll_back: {rate: 30%, times: 4}}
    name: spike
    why: {zh: 突然暴增, en: a sudden jump}
  - {when: no improvement of valid_loss for 5 validations, then: save_and_stop}
  - {when: out of memory, then: halve_batch}
  - {when: 'tokens_per_second < 10 for 10m', then: warn}
""")
    spike, early, memory, slow, default = made.guards
    assert (spike.when, spike.name) == ("loss > 10 * median(loss, 200 steps)", "spike")
    assert spike.action == Action("roll_back", 0.3, 4) and spike.why == {"zh": "突然暴增", "en": "a sudden jump"}
    assert early.name == "no_improvement_of_valid_loss_for_5_validations" and early.higher == ()
    assert memory.action == Action("halve_batch", 1.0, 3)
    assert slow.higher == ("tokens_per_second",) and default == NOT_FINITE
    assert snapshot.loads(snapshot.dumps(made)) == made


def test_a_spec_may_say_what_a_loss_that_is_not_finite_means(tmp_path: Path) -> None:
    made = experiment(tmp_path, "guards: [{when: loss is  not finite, then: roll_back}]")
    assert [(guard.when, guard.action) for guard in made.guards] == [("loss is not finite", Action("roll_back", 0.5, 2))]


@pytest.mark.parametrize(("line", "code", "place", "message"), [
    ("  - when: loss above 3", "E430", "4:16-21", 'expected a comparison (<, <=, >, >=, ==, !=, is), found "above"'),
    ("  - when: 'grad_norm > 1 and los > 3'", "E431", "4:30-33", 'unknown metric "los"'),
    ('  - when: "loss > 3 for 5"', "E430", "4:25-26", "a span is a count of steps"),
    ("  - when: 3 < memory", "E432", "4:11-12", "3 needs a unit here, such as 6GB"),
    ("  - when: >-\n      loss\n      above 3", "E430", "4:11-1", "character 6 of the condition: expected a comparison"),
])
def test_a_mistake_is_shown_where_it_stands(tmp_path: Path, line: str, code: str, place: str, message: str) -> None:
    found = compiled(tmp_path, f"guards:\n{line}\n    then: stop\n")
    assert found.experiment is None
    one, = found.diagnostics
    assert one.code == code and message in one.message and one.span is not None
    assert f"{one.span.line}:{one.span.column}-{one.span.end_column}" == place


def test_the_nearest_metric_is_named(tmp_path: Path) -> None:
    one, = compiled(tmp_path, "guards: [{when: valid_los > 3, then: stop}]").diagnostics
    assert one.help == 'did you mean "valid_loss"?'


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    found = compiled(tmp_path, "guards: [{when: los > 3, then: stop}, {when: loss >, then: stop}"
                     ", {when: memory > 3, then: stop}]")
    assert [one.code for one in found.diagnostics] == ["E431", "E430", "E432"]


@pytest.mark.parametrize(("text", "name"), [
    ("loss > 3", "loss_above_3"),
    ("loss is not finite", "loss_is_not_finite"),
    ("gpu_util < 50% for 10m", "gpu_util_below_50_percent_for_10m"),
    ("rate.matrix != 1 and a >= 2 * b", "rate_matrix_is_not_1_and_a_at_least_2_times_b"),
    ("1 < loss", "guard_1_below_loss"),
])
def test_names_are_made_from_conditions(text: str, name: str) -> None:
    assert name_of(text) == name


def test_milestones(tmp_path: Path) -> None:
    made = experiment(tmp_path, """
milestones:
  - {metric: valid_loss, by: 0.5k, at_most: 3.0, why: as its parent}
  - {metric: train_loss, at: 250, below: 4}
""")
    first, second = made.milestones
    assert (first.step, first.exactly, first.promise.upper, first.promise.why) == (500, False, 3.0, {"any": "as its parent"})
    assert (second.step, second.exactly, second.promise.strict_upper) == (250, True, True)
    assert snapshot.loads(snapshot.dumps(made)) == made


@pytest.mark.parametrize(("milestone", "code"), [
    ("{metric: valid_loss, at: 100, by: 200, at_most: 3}", "E441"),
    ("{metric: valid_loss, by: 99, at_most: 3}", "E442"),
    ("{metric: valid_loss, by: 1001, at_most: 3}", "E442"),
    ("{metric: valid_loss, by: 500, why: none}", "E333"),
    ("{metric: valid_los, by: 500, at_most: 3}", "E440"),
    ("{metric: valid_loss, by: 500, at_most: 3GB}", "E110"),
])
def test_milestones_that_cannot_be_judged(tmp_path: Path, milestone: str, code: str) -> None:
    assert [one.code for one in compiled(tmp_path, f"milestones: [{milestone}]").diagnostics] == [code]


@pytest.mark.parametrize("then", ["halt", "{roll_back: {rate: 2}}", "{roll_back: {}, halve_batch: {}}", "{stop: {}}"])
def test_actions_that_there_are_not(tmp_path: Path, then: str) -> None:
    found = compiled(tmp_path, f"guards: [{{when: loss > 3, then: {then}}}]")
    assert found.experiment is None and len(found.diagnostics) == 1


@pytest.mark.parametrize(("when", "then", "code"), [
    ("loss is not finite", "save_and_stop", "E433"),
    ("loss is not finite", "warn", "E433"),
    ("out of memory", "warn", "E433"),
    ("loss > 3", "halve_batch", "E433"),
    ("no data for 60s", "save_and_stop", "E433"),
    ("gpu_util < 50%", "warn", None),
    ("no progress for 10m", "stop", None),
])
def test_actions_and_conditions(tmp_path: Path, when: str, then: str, code: str | None) -> None:
    found = compiled(tmp_path, f"guards: [{{when: {when}, then: {then}}}]")
    assert [one.code for one in found.diagnostics] == ([code] if code else [])


def test_a_gpu_is_not_watched_on_a_cpu(tmp_path: Path) -> None:
    found = compiled(tmp_path, "hardware: {target: cpu}\nguards: [{when: gpu_util < 50%, then: warn}]")
    assert "W431" in {one.code for one in found.diagnostics}


def test_several_processes_cannot_halve_their_batch(tmp_path: Path) -> None:
    found = compiled(tmp_path, "batch: {ranks: 2, total_tokens: 8192}\nguards: [{when: out of memory, then: halve_batch}]")
    assert "E434" in {one.code for one in found.diagnostics}


def test_the_example_of_the_docs_is_sound(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "guards.md").read_text(encoding="utf-8")
    example = "\n".join(line[4:] for line in text.split("\n## ")[0].splitlines() if line.startswith("    "))
    family = example.replace("d_real", "loss").replace("at: 5000", "at: 900").replace("by: 1000", "by: 600")
    made = experiment(tmp_path, family)
    assert {guard.action.kind for guard in made.guards} == {"stop", "save_and_stop", "warn", "roll_back", "halve_batch"}
    assert [one.exactly for one in made.milestones] == [False, True]


def test_what_the_gpt_logs_is_what_conditions_know(tmp_path: Path) -> None:
    known = signals(experiment(tmp_path, "").training)
    assert {name for name, one in known.items() if one.at == "validation"} == {
        "valid_loss", "tunes_loss", "valid_bits_per_byte"}
    assert {"loss", "grad_norm", "rate", "rate.matrix", "step", "epoch", "memory"} <= known.keys()


PROGRAM = """\
expc: 1
name: program
title: Program
model: {family: command}
command: {run: [python, train.py]}
watch: {metrics: [{line: 'step (?P<step>\\d+) loss (?P<loss>\\S+)%s'}]}
steps: 100
hardware: {target: cpu}
guards: [{when: %s, then: %s}]
"""


@pytest.mark.parametrize(("reads", "when", "codes"), [
    ("", "no improvement of loss for 5 epochs", ["E437"]),
    ("", "loss > 3 and loss < 9 for 2 epochs", ["E437"]),
    (" epoch (?P<epoch>\\S+)", "no improvement of loss for 5 epochs", []),
    ("", "no improvement of loss for 50 steps", []),
])
def test_epochs_of_a_foreign_program_need_a_reader(tmp_path: Path, reads: str, when: str, codes: list[str]) -> None:
    assert [one.code for one in program(tmp_path, reads, when, "stop")] == codes


def test_what_is_offered_to_a_foreign_program_is_what_it_can_obey(tmp_path: Path) -> None:
    (found,) = program(tmp_path, "", "no progress for 5m", "save_and_stop")[:1]
    assert found.code == "E433" and "roll_back" not in str(found.help) and "stop" in str(found.help)


def program(folder: Path, reads: str, when: str, then: str) -> list[Diagnostic]:
    """What is wrong with a foreign program's spec."""
    (folder / "specs").mkdir(exist_ok=True)
    spec = folder / "specs" / "program.yaml"
    spec.write_text(PROGRAM % (reads, when, then))
    return [one for one in Session(folder).compile(spec).diagnostics if one.code.startswith("E")]
