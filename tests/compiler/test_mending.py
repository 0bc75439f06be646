"""One run says all mistakes: what is behind an error is found too, and nothing that only follows from it."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.diagnostics import Severity
from expc.compiler.differences import leaves
from expc.compiler.pipeline import Compiled, Session
from expc.compiler.workspace import all_specs

ROOT = Path(__file__).parents[2]
EXAMPLES = Path(__file__).parent / "examples"
V2 = "extends: d8_v2.yaml\nname: other\nlaunch: {name: other}\n"
FIVE = ("batch: {accumulation: 2}\ndate: 2026-02-30\nresume: {step: 7000}\n"
        "expect: [{metric: valid_lss, below: 1}]\nnotes: [{about: nothing, text: a}]\n")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("shipped")
    shutil.copytree(ROOT / "specs", workspace / "specs")
    return workspace


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(EXAMPLES, tmp_path_factory.mktemp("mending") / "examples"))


def errors(workspace: Path, text: str, folder: str = ".") -> list[str]:
    """The codes of a spec's errors, in order of their places."""
    return [one.code for one in compiled(workspace, text, folder).diagnostics if one.severity is Severity.ERROR]


def compiled(workspace: Path, text: str, folder: str = ".") -> Compiled:
    spec = workspace / "specs" / folder / "other.yaml"
    spec.write_text(text, encoding="utf-8")
    found = Session(workspace).compile(spec)
    spec.unlink()
    return found


@pytest.mark.parametrize(("text", "expected"), [
    (FIVE, ["E303", "E371", "E311", "E332", "E370"]),
    (FIVE + "stps: 1\n", ["E303", "E371", "E311", "E332", "E370", "E102"]),
    ("expect: [{metric: valid_loss, below: 6GB}, {metric: valid_lss, below: 1}, {metric: valid_loss, below: 2, above: 3}]\n",
     ["E110", "E332", "E333"]),
    ("guards: [{when: loss above 3, then: stop}, {when: los > 3, then: stop}]\nnotes: [{about: nix, text: a}]\n"
     "milestones: [{metric: nix, by: 100, below: 1}]\neval: {compare: [{spec: d4_baseline.yaml, step: 999}]}\n",
     ["E430", "E431", "E370", "E440", "E350"]),
    ("eval: {compare: [{spec: gone.yaml, step: 5}, {spec: d4_baseline.yaml, step: 999}]}\n", ["E221", "E350"]),
    ("date: 2026-02-30\nexpect: [{metric: valid_loss, below: '${nothing.there}'}]\n", ["E371", "E208"]),
    ("optimizer: {matrx_lr: 0.1}\ndate: 2026-02-30\n", ["E102", "E371"])])
def test_one_mistake_hides_no_other(text: str, expected: list[str], shipped: Path) -> None:
    assert sorted(errors(shipped, V2 + text)) == sorted(expected)


def test_lengths_in_epochs_hide_no_promise(shipped: Path) -> None:
    text = ("extends: meloformer_base.yaml\nname: other\nlaunch: {name: other}\nepochs: null\nsteps: 1000\ndata: {rows: null}\n"
            "phases: null\neval: {validation: {every: 1 epoch}}\nexpect: [{metric: valid_lss, below: 1}]\n")
    assert errors(shipped, text) == ["E416", "E332"]


def test_a_missing_base_hides_no_wrong_value(shipped: Path) -> None:
    text = "extends: nothing.yaml\nname: other\noptimizer: {matrix_lr: fast, matrx_lr: 1, embedding_lr: 0.1}\nprecision: fp9\n"
    assert errors(shipped, text) == ["E201", "E101", "E102", "E104"]


def test_of_a_spec_with_errors_no_warning_is_given(shipped: Path) -> None:
    assert "W389" in [one.code for one in compiled(shipped, V2 + "resume: {step: 4000}\n").diagnostics]
    assert [one.code for one in compiled(shipped, V2 + "resume: {step: 4000}\nstps: 1\n").diagnostics] == ["E311", "E102"]


def test_indices_are_those_of_the_spec(shipped: Path) -> None:
    text = V2 + "milestones: [{metric: valid_loss, by: 500, below: 6GB}, {metric: nix, by: 100, below: 1}]\n"
    found = [one.keys[0] for one in compiled(shipped, text).diagnostics if one.severity is Severity.ERROR]
    assert found == ["milestones.0.below", "milestones.1.metric"]
    text = V2 + "expect: [{metric: nix, below: x}, {metric: valid_loss, below: 2}, {metric: valid_loss, above: 3}]\n"
    told = {one.keys[0]: one.message for one in compiled(shipped, text).diagnostics}
    assert told["expect.2"] == "no valid_loss keeps this promise and that of expect.1"


MISTAKES: dict[str, dict[str, Any]] = {
    "E102": {"nonsense": 1}, "E371": {"date": "2026-02-30"}, "E303": {"batch": {"total_tokens": 5}},
    "E332": {"expect": [{"metric": "valid_lss", "below": 1}]}, "E370": {"notes": [{"about": "nothing", "text": "a"}]},
    "E430": {"guards": [{"when": "loss above 3", "then": "stop"}]}, "E101": {"precision": 7, "seed": "x"},
    "E440": {"milestones": [{"metric": "nix", "by": 100, "below": 1}]}, "E105": {"schedule": {"warmup_steps": -1}},
    "E110": {"checkpoint": {"every": "1.5"}}, "E221": {"eval": {"compare": [{"spec": "gone.yaml", "step": 5}]}},
    "E386": {"acknowledge": [{"code": "E301", "reason": "a"}]}, "E301": {"model": {"heads": 7}}}


@given(st.sampled_from(list(itertools.combinations(MISTAKES, 2))))
def test_two_mistakes_are_both_said(examples: Path, pair: tuple[str, str]) -> None:
    alone = [errors(examples, _text(MISTAKES[code])) for code in pair]
    assert sorted(errors(examples, _text(MISTAKES[pair[0]] | MISTAKES[pair[1]]))) == sorted(alone[0] + alone[1])


def _text(overlay: dict[str, Any]) -> str:
    return yaml.safe_dump({"extends": "parent.yaml", "name": "other", "launch": {"name": "other"}} | overlay)


WRONG = ("zzz", [[1]], -5, "3 parrots", 1e30, {"a": 1})


def test_nothing_follows_from_a_mistake(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key of sound specs, given a value that it cannot have: what is behind that is sound, so nothing more is said than
    of a spec that inherits all of it."""
    followed: list[object] = []
    beyond = Session._beyond
    monkeypatch.setattr(Session, "_beyond", lambda *words: followed.append(beyond(*words)) or followed[-1])
    for spec, overlay in random.Random(0).sample(list(_mutants(shipped)), 80):
        folder = spec.parent.relative_to(shipped / "specs")
        head = {"extends": spec.name, "name": "other", "launch": {"name": "other"}}
        heir = {one.message for one in compiled(shipped, yaml.safe_dump(head), str(folder)).diagnostics}
        before = len(followed)
        compiled(shipped, yaml.safe_dump(head | overlay), str(folder))
        assert [one for more in followed[before:] for one in more if one.message not in heir] == [], (spec, overlay)
    assert len(followed) > 60


PHASES = "phases: [{name: all, to: 100, batch: {rows: 8}}]"
SCENARIOS = ("scenarios: {metric: valid_loss, cases: [{name: a, title: a, from: 2, conclusion: a, next: a}, "
             "{name: b, title: b, to: 1, conclusion: b, next: b}]}")
FAULTS = {  # each in a section of its own, none of which has to do with another
    "E101": "seed: one", "E104": "precision: fp23", "E102": "report: {languages: [zh, fr]}", "E106": "checkpoint: {every: 5h}",
    "E371": "date: 2026-02-30", "E303": "batch: {total_tokens: 4097}", "E380": "claims: {parameters: 60M}",
    "E335": "expect: [{metric: valid_loss, below: 2}, {metric: valid_loss, at_least: 3}]", "E412": PHASES,
    "E341": SCENARIOS, "E370": "notes: [{about: nix, text: a}]", "E386": "acknowledge: [{code: W999, reason: a}]",
    "E431": "guards: [{when: los > 3, then: stop}]", "E442": "milestones: [{metric: valid_loss, by: 30k, below: 3}]"}


APART = [pair for pair in itertools.combinations(FAULTS, 2) if pair != ("E303", "E412")]  # these are both about the batch


@pytest.mark.parametrize(("one", "other"), APART)
def test_no_mistake_hides_another_that_has_nothing_to_do_with_it(one: str, other: str, shipped: Path) -> None:
    text = "extends: d8_depth.yaml\nname: other\n"
    assert sorted(errors(shipped, f"{text}{FAULTS[one]}\n{FAULTS[other]}\n")) == sorted((one, other))


def test_a_warning_stands_beside_a_mistake(shipped: Path) -> None:
    assert {one.code for one in compiled(shipped, V2 + "seed: one\n").diagnostics} == {"E101", "W389"}
    said = "acknowledge: [{code: W389, reason: a}, {code: W313, reason: a, att: b}]\n"
    assert {one.code for one in compiled(shipped, V2 + "seed: one\n" + said).diagnostics} == {"E101", "E102"}


def _mutants(workspace: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for spec in all_specs(workspace):
        resolved = Session(workspace).compile(spec).resolved
        assert resolved is not None
        for key, _ in leaves(resolved.plain()):
            path = key.split(".")
            if not any(part.isdecimal() for part in path) and path[0] not in ("name", "extends"):
                yield from ((spec, _nested(path, value)) for value in WRONG)


def _nested(path: list[str], value: Any) -> dict[str, Any]:
    return {path[0]: _nested(path[1:], value) if path[1:] else value}


GONE = "extends: gone.yaml\nname: other\n"


@pytest.mark.parametrize(("text", "expected"), [
    (FIVE, ["E201", "E371"]),
    ("checkpoint: {every: '1.5'}\nguards: [{when: loss above 3, then: stop}]\nresume: {from: d8_depth.yaml, step: 7000}\n"
     "eval: {compare: [{spec: d4_baseline.yaml, step: 999}, {spec: gone.yaml, step: 1}]}\n"
     "acknowledge: [{code: E301, reason: a}]\n"
     "expect: [{metric: valid_loss, below: 2, above: 3}, {metric: valid_loss, why: x}]\n",
     ["E201", "E110", "E430", "E311", "E350", "E221", "E386", "E333", "E333"]),
    ("model: {family: gpt, depth: 8, heads: 7, dim: 50}\n", ["E201", "E301"]),
    ("optimizer: {matrix_lr: 1\ndate: 2026-02-30\nmodel: {heads: 7}\n", ["E201", "E012", "E371"])])
def test_a_missing_base_hides_no_mistake_that_is_one_without_it(text: str, expected: list[str], shipped: Path) -> None:
    assert errors(shipped, GONE + text) == expected


@pytest.mark.parametrize("base", ["model: {depth: 8\nseed: 1\n", "extends: base.yaml\n", None, "'"])
def test_nor_does_a_base_that_is_broken_or_goes_in_a_circle(base: str | None, shipped: Path) -> None:
    if base is not None:
        (shipped / "specs" / "base.yaml").write_text(base, encoding="utf-8")
    found = errors(shipped, "extends: base.yaml\nname: other\ndate: 2026-02-30\nmodel: {heads: 7}\n")
    assert found[-1] == "E371" and {*found[1:-1]} <= {"E103"}
    (shipped / "specs" / "base.yaml").unlink(missing_ok=True)


@pytest.mark.parametrize("sections", [
    "model: {heads: 7}\n", "data: {source: synthetic}\n", "resume: {step: 5}\n", "epochs: 3\n",
    "model: {family: gpt, heads: 7}\n",
    "batch: {total_tokens: 5, rows: 2}\n", "scenarios: {metric: valid_loss, gain_over: parent}\n",
    "schedule: {warmup_steps: 90k}\n",
    "eval: {suites: {a: {weight: 60%}}}\n", "optimizer: {matrix_lr: '${model.depth}'}\n", "phases: [{to: 100, rate: 10%}]\n",
    "expect: [{metric: eval.a, at_least: 90%}]\n"])
def test_what_a_missing_base_may_have_said_is_not_missing(sections: str, shipped: Path) -> None:
    assert errors(shipped, GONE + sections) == ["E201"]


def test_without_its_base_no_more_is_said_of_a_spec(shipped: Path) -> None:
    """Overlays over shipped specs, right and wrong: whatever is said without the base is also said with it."""
    said = 0
    for spec, overlay in random.Random(1).sample(list(_mutants(shipped)), 40):
        folder, head = str(spec.parent.relative_to(shipped / "specs")), {"name": "other", "launch": {"name": "other"}}
        known = {key: value for key, value in yaml.safe_load(spec.read_text(encoding="utf-8")).items() if key != "extends"}
        whole = compiled(shipped, yaml.safe_dump({"extends": spec.name} | known | head | overlay), folder).diagnostics
        alone = compiled(shipped, yaml.safe_dump({"extends": "missing.yaml"} | known | head | overlay), folder).diagnostics
        more = {(one.code, one.message) for one in alone} - {(one.code, one.message) for one in whole}
        assert {code for code, _ in more} <= {"E201"}, (spec, overlay)
        said += len(alone) - 1
    assert said > 20


def test_many_mistakes_hide_no_other(shipped: Path) -> None:
    many = "optimizer: {" + ", ".join(f"zz{index}: 1" for index in range(400)) + "}\n"
    assert sorted(errors(shipped, V2 + FIVE + many)) == sorted(["E303", "E371", "E311", "E332", "E370", *["E102"] * 400])


def test_beyond_five_hundred_mistakes_it_says_that_there_are_more(shipped: Path) -> None:
    found = compiled(shipped, V2 + "optimizer: {" + ", ".join(f"zz{index}: 1" for index in range(600)) + "}\n").diagnostics
    assert [one.message for one in found if one.code != "E102"] == [
        "more than 500 mistakes in one spec; the others are not looked at"]


def test_of_a_profile_that_nobody_has_one_thing_is_said(shipped: Path) -> None:
    assert [one.code for one in Session(shipped, "smok").compile(shipped / "specs" / "d8_v2.yaml").diagnostics] == ["E205"]


def test_a_profile_over_a_section_that_cannot_be_read_lacks_nothing(shipped: Path) -> None:
    spec = shipped / "specs" / "other.yaml"
    spec.write_text("extends: d8_v2.yaml\nname: other\noptimizer: {matrix_lr: 1\nlaunch: {name: other}\n", encoding="utf-8")
    for profile in (None, "smoke"):
        found = Session(shipped, profile).compile(spec).diagnostics
        assert [one.code for one in found if one.severity is Severity.ERROR] == ["E012"]
    spec.unlink()


def test_a_width_that_no_heads_fit_gets_one_that_they_do(examples: Path) -> None:
    found = compiled(examples, _text({"model": {"heads": 4, "dim": 49}})).diagnostics
    assert [(one.code, one.help) for one in found] == [("E301", "no number of heads fits an odd dim; 4 fit dim 48 and 56")]
    assert errors(examples, _text({"model": {"heads": 4, "dim": 48}})) == []


@pytest.mark.parametrize("length", [1_100, 60_000])
def test_an_over_long_key_is_told_once(length: int, examples: Path) -> None:
    text = _text({}) + "k" * length + ": 1\n"
    found = compiled(examples, text).diagnostics
    assert [(one.code, one.message) for one in found] == [
        ("E014", f"a key of {length:,} characters; YAML reads none of more than 1,024")]
