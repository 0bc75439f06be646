"""Plans as people and programs read them."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract.experiment import Experiment
from expc.compiler.freeze import freeze
from expc.compiler.hardware import DEVICES
from expc.compiler.pipeline import Session
from expc.compiler.plan.markdown import as_markdown, code
from expc.compiler.plan.outlook import outlook
from expc.compiler.plan.plain import as_plain
from expc.compiler.plan.plan import Committed, Plan, plan
from expc.compiler.plan.text import as_text
from tests.compiler.commands.shell import ROOT
from tests.compiler.plan.conftest import Edited
from tests.conftest import Golden

PLACE = "generated/d8_depth_v2/snapshot.json"
WORDS = ("optimizer.matrix_lr=0.032", "hardware.memory_budget=7GB", "hardware.price_per_hour=2.5", "hardware.currency=CNY",
         "expect=[{metric: valid_loss, at_most: 0.6}]", "title=a | <b> @team `x`")


@pytest.fixture(scope="module")
def changed(experiment: Experiment) -> Plan:
    made = Session(ROOT).compile(ROOT / "specs" / "d8_v2.yaml", WORDS).experiment
    assert made is not None
    return plan(made, Committed(freeze(experiment)[0], PLACE), ["h100_sxm", "rtx_pro_6000"])


def test_the_text(changed: Plan, golden: Golden) -> None:
    golden(as_text(changed) + "\n", "expected/plan.txt")


def test_the_markdown(changed: Plan, experiment: Experiment, golden: Golden) -> None:
    same = plan(experiment, Committed(freeze(experiment)[0], PLACE))
    golden(as_markdown([changed, same]) + "\n", "expected/plan.md")


def test_the_json(changed: Plan) -> None:
    body = json.loads(json.dumps(as_plain(changed)))
    assert (body["compared"], body["with"]) == ("changed", PLACE)
    assert body["training_sha256"]["before"] != body["training_sha256"]["after"]
    assert {"key": "optimizer.matrix_lr", "before": 0.016, "after": 0.032, "factor": 2.0, "unit": None,
            "effect": "identity", "derived": False} in body["changes"]
    schedule = changed.experiment.schedule
    assert [part["name"] for part in body["steps"]] == ["warmup", "constant", "warmdown"]
    lengths = [part["end"] - part["start"] for part in body["steps"]]
    assert lengths[::2] == [schedule.warmup_steps, schedule.warmdown_steps]  # as the spec says
    assert [target["target"] for target in body["targets"]] == ["rtx_4060", "h100_sxm", "rtx_pro_6000"]
    assert body["targets"][0]["cost"]["unit"] == "CNY" and body["targets"][1]["cost"]["value"] is None


def test_nothing_committed_is_no_empty_plan(experiment: Experiment) -> None:
    new = plan(experiment, Committed(None, PLACE, "a remark"))
    assert not new.empty and as_plain(new)["compared"] == "none"
    assert as_text(new).endswith(f"  there is no {PLACE}: everything is new\n  a remark")


@pytest.mark.parametrize("old, new, said", [
    ("expc.snapshot/1", "expc.snapshot/0", "its format is 'expc.snapshot/0'"),
    ('"seed": 42', '"seed": 43', "its content does not match its hash"),
    ("}\n", "", "this is no JSON"),
])  # fmt: skip
def test_a_snapshot_that_cannot_be_trusted_is_said(experiment: Experiment, old: str, new: str, said: str) -> None:
    text = freeze(experiment)[0]
    assert old in text
    broken = plan(experiment, Committed(text.replace(old, new), PLACE))
    assert (broken.empty, broken.rows, as_plain(broken)["compared"]) == (False, (), "unreadable")
    assert f"{PLACE} cannot be compared: " in as_text(broken) and said in as_text(broken)


def test_a_number_that_is_only_written_otherwise_is_a_change_of_the_file(experiment: Experiment, edited: Edited) -> None:
    lower = replace(experiment.expectations[0], lower=None, strict_lower=True)
    other = replace(experiment, expectations=(lower, *experiment.expectations[1:]))
    assert [row.key for row in plan(experiment, Committed(freeze(other)[0], PLACE)).rows] == ["snapshot_sha256"]


@pytest.mark.parametrize("target", DEVICES)
def test_an_outlook_for_every_device(experiment: Experiment, target: str) -> None:
    said = outlook(experiment, target)
    assert (said.title, said.device_memory) == (DEVICES[target].title, DEVICES[target].memory)
    assert (said.time.value is None) == (DEVICES[target].peak_flops is None)
    assert said.cost.value is None  # the spec states no price


def test_a_run_whose_rates_and_memory_nobody_knows_has_dashes(experiment: Experiment) -> None:
    bare = replace(experiment, training=replace(experiment.training, curves={}),
                   predictions=replace(experiment.predictions, figures=()))
    said = plan(bare, Committed(None, PLACE))
    assert said.stretches == () and said.outlooks[0].time.value is None
    assert "    time                                     –  unverified: nothing here can tell" in as_text(said).splitlines()
    assert "| time on GeForce RTX 4060 8 GB | – | unverified: nothing here can tell |" in as_markdown([said]).splitlines()


@given(st.text(min_size=1))
def test_code_in_markdown_cannot_be_left(text: str) -> None:
    shown = code(text)
    fence = shown[:len(shown) - len(shown.lstrip("`"))]
    assert shown.endswith(fence) and fence not in shown[len(fence):-len(fence)].strip("`") and "\n" not in shown
    assert "|" not in shown.replace("\\|", "")


class Tags(HTMLParser):
    """The HTML elements that a text opens."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)


def test_markdown_opens_only_its_own_elements(changed: Plan) -> None:
    tags = Tags()
    tags.feed("\n".join(line for line in as_markdown([changed]).splitlines() if "`title`" not in line))
    assert tags.seen == {"details", "summary"}
