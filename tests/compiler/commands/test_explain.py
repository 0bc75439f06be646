"""`expc explain` as a user calls it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.compiler.commands.shell import expc


def test_explain_says_where_a_value_comes_from(workspace: Path) -> None:
    shown = expc(workspace, "explain", "specs/d8_v2.yaml", "optimizer.matrix_lr", "--profile", "smoke", "--set",
                 "optimizer.matrix_lr=0.01").stdout.splitlines()
    assert [line.split()[0] for line in shown[:3]] == ["specs/shared/alphatex.yaml", "specs/d8_v2.yaml", "profile"]
    assert shown[-1] == "optimizer.matrix_lr = 0.01"
    assert expc(workspace, "explain", "specs/d8_v2.yaml", "optimizer.nothing").returncode == 64


def test_explain_prints_a_diagnostic(tmp_path: Path) -> None:
    shown = expc(tmp_path, "explain", "e303")
    assert shown.returncode == 0 and "wrong:" in shown.stdout and "right:" in shown.stdout
    wrong = expc(tmp_path, "explain", "E3003")
    assert wrong.returncode == 64 and "E303" in wrong.stderr


def test_a_whole_spec_is_printed_with_the_place_of_every_value(workspace: Path) -> None:
    shown = expc(workspace, "explain", "specs/d8_v2.yaml", "--profile", "smoke", "--set", "seed=7")
    assert shown.returncode == 0
    assert yaml.safe_load(shown.stdout)["seed"] == 7
    lines = {line.split(":")[0]: " ".join(line.split("#")[1:]).strip() for line in shown.stdout.splitlines()}
    assert lines["seed"] == "--set seed=7"
    assert re.fullmatch(r"profile smoke, specs/d8_v2\.yaml:\d+:12", lines["steps"])
    rows = json.loads(expc(workspace, "explain", "specs/d8_v2.yaml", "--json").stdout)
    place = next(row.pop("place") for row in rows if row["key"] == "steps")
    assert re.fullmatch(r"specs/d8_v2\.yaml:\d+:8", place)
    assert {"key": "steps", "value": 20000, "written": None, "layer": "specs/d8_v2.yaml"} in rows
    assert {"key": "optimizer.momentum", "value": 0.95, "written": None, "layer": "default", "place": None} in rows


def test_a_section_is_shown_whole_and_meanings_on_request(workspace: Path) -> None:
    shown = expc(workspace, "explain", "specs/d8_v2.yaml", "expect[peak_memory]", "--describe").stdout
    lines = [re.sub(r":\d+:", ":N:", " ".join(line.split())) for line in shown.splitlines()]
    assert lines[1:4] == ["the list at specs/d8_v2.yaml:N:1 replaces that of specs/d8_depth.yaml:N:1 as a whole",
                          "# A metric of the run, of its family, or eval.<suite>.",
                          "- metric: peak_memory # specs/d8_v2.yaml:N:13"]


@pytest.mark.parametrize("words, said", [
    (["optimizer.momentum", "--set", "optimizer.momentum="],
     "optimizer.momentum = 0.95, the default: what stood over it was deleted"),
    (["optimizer.gradient_clip"], "optimizer.gradient_clip is not set and has no default"),
    (["checkpoint.keep_last", "--set", "checkpoint="], "checkpoint.keep_last is not set"),
    (["title.en", "--set", 'title.en="to ${steps}, $${x}"'],
     'title.en = "to 20000, ${x}", made of "to ${steps}, $${x}"'),
    (["eval.compare[d8_depth].step"], "eval.compare.1.step = 5000"),
    (["expect.0.below"], "expect.0.below = 0.5"),
])  # fmt: skip
def test_the_last_line_says_what_holds(workspace: Path, words: list[str], said: str) -> None:
    shown = expc(workspace, "explain", "specs/d8_v2.yaml", *words)
    assert (shown.returncode, shown.stdout.splitlines()[-1]) == (0, said)


@pytest.mark.parametrize("key, said", [
    ("optimizer.matrx_lr", "did you mean optimizer.matrix_lr?"),
    ("matrix_lr", "did you mean optimizer.matrix_lr?"),
    ("scenarios.cases.5", "its items are 0 to 2"),
    ("expect[loss]", "its items are: valid_loss, peak_memory"),
    ("", "the key is empty"),
])  # fmt: skip
def test_a_key_that_is_not_there_is_answered(workspace: Path, key: str, said: str) -> None:
    shown = expc(workspace, "explain", "specs/d8_v2.yaml", key)
    assert shown.returncode == 64 and said in shown.stderr
    assert "Traceback" not in shown.stderr


def test_what_nobody_knows_is_said_beside_the_answer(workspace: Path) -> None:
    forced = expc(workspace, "explain", "specs/d8_v2.yaml", "steps", "--set", "stps=3")
    assert forced.returncode == 1 and forced.stdout.endswith("steps = 20000\n") and 'unknown key "stps"' in forced.stderr
    spec = workspace / "specs" / "d8_v2.yaml"
    spec.write_text(spec.read_text() + "stps: 3\nprecision: fp9\n")
    asked = ((["stps"], ["E102"]), (["precision"], ["E102", "E104"]), ([], ["E102"]), (["steps", "--json"], ["E102"]))
    for words, said in asked:
        shown = expc(workspace, "explain", "specs/d8_v2.yaml", *words)
        assert shown.returncode == 1 and shown.stdout and re.findall(r"error (E\d+)", shown.stderr) == said


@pytest.mark.parametrize("key, last", [
    ("extends", 'extends = "d8_depth.yaml"'), ("profiles.smoke.steps", "profiles.smoke.steps = 2000"),
    ("profiles.smoke.precision", 'profiles.smoke.precision = "fp32"')])
def test_what_belongs_to_a_file_is_explained_too(workspace: Path, key: str, last: str) -> None:
    shown = expc(workspace, "explain", "specs/d8_v2.yaml", key)
    assert (shown.returncode, shown.stdout.splitlines()[-1], shown.stderr) == (0, last, "")
    assert json.loads(expc(workspace, "explain", "specs/d8_v2.yaml", key, "--json").stdout)["layers"][0]["place"]


def test_profiles_that_are_not_there(workspace: Path) -> None:
    shown = expc(workspace, "explain", "specs/d8_v2.yaml", "profiles.smoke.stps")
    assert shown.returncode == 64 and "its profiles are: smoke" in shown.stderr
    assert expc(workspace, "explain", "specs/shared/alphatex_suites.yaml", "extends").stdout == (
        "extends is not set and has no default\n")


def test_what_cannot_be_read_is_said(workspace: Path) -> None:
    for words, said in ((["specs/d8.yaml"], "E001"), (["specs/d8_v2.yaml", "--profile", "smok"], 'did you mean "smoke"?')):
        shown = expc(workspace, "explain", *words)
        assert shown.returncode == 1 and said in shown.stderr
    (workspace / "specs" / "d4_baseline.yaml").write_text("steps: [")
    broken = expc(workspace, "explain", "specs/d4_baseline.yaml", "--json")
    assert broken.returncode == 1 and json.loads(broken.stdout)["diagnostics"]
