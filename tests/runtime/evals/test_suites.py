"""Running a suite: prompts in order, scores by prompt, and the shipped suites themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml

from expc.compiler.contract.promises import Suite
from expc.runtime.errors import UserError
from expc.runtime.evals import suites
from expc.runtime.evals.indicators import INDICATORS, score

SHIPPED = Path(__file__).parents[3] / "specs" / "shared" / "alphatex_suites.yaml"


class Scripted:
    """Answers each prompt from a table, the n-th sample of a prompt with its n-th answer."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers = {prompt: iter(texts) for prompt, texts in answers.items()}
        self.asked: list[str] = []

    def generate(self, prompts: Sequence[str], max_new_tokens: int, temperature: float, seed: int,
                 progress: Callable[[int, int], None]) -> list[str]:
        self.asked = list(prompts)
        progress(len(prompts), len(prompts))
        return [next(self.answers[prompt]) for prompt in prompts]


def suite(*indicators: str, prompts: tuple[str, ...] = ("| 3.2", "24.1."), samples: int = 2) -> Suite:
    return Suite("tab", {}, 1.0, prompts, indicators, samples, 8, 0.8, 1)


def test_every_prompt_is_completed_and_its_samples_form_one_cluster() -> None:
    answers = {"| 3.2": [" 5.2 ", ""], "24.1.": ["8 5.2 3.2 ", "8 5.2 3.2 "]}
    model, shown = Scripted(answers), []
    found = suites.run_suite(suite("has_fret_number"), model, lambda done, total: shown.append((done, total)))
    assert model.asked == ["| 3.2", "| 3.2", "24.1.", "24.1."]
    assert shown == [(4, 4)]
    assert suites.clusters(found) == [[1.0, 0.0], [1.0, 1.0]]
    assert found["score"] == {"mean": 0.75, "low": 0.5, "high": 1.0}
    assert found["indicators"] == {"has_fret_number": 0.75}
    assert found["validity"] == 0.0


def test_indicators_are_averaged_over_the_prompts_that_they_are_asked_of() -> None:
    asked = suite("has_parentheses", "has_fret_number", prompts=("(3.2 1.1).", "24.1."), samples=1)
    found = suites.run_suite(asked, Scripted({"(3.2 1.1).": ["8 5.2 "], "24.1.": ["8 5.2 "]}), lambda done, total: None)
    assert found["indicators"] == {"has_parentheses": 0.0, "has_fret_number": 1.0}
    assert suites.clusters(found) == [[0.5], [1.0]]


def test_a_suite_that_asks_nothing_is_refused() -> None:
    asked = suite("has_title", prompts=('\\title "A"\n',), samples=1)
    with pytest.raises(UserError, match="tab measures nothing"):
        suites.run_suite(asked, Scripted({'\\title "A"\n': ["x"]}), lambda done, total: None)


def test_the_composite_weighs_suites_by_hand_arithmetic() -> None:
    def scored(weight: float, *values: float) -> dict[str, object]:
        return {"weight": weight, "samples": [{"prompt": str(i), "score": value} for i, value in enumerate(values)]}

    found = suites.composite({"a": scored(0.4, 1.0, 0.5), "b": scored(0.6, 0.2, 0.2)})
    assert found["mean"] == pytest.approx(0.4 * 0.75 + 0.6 * 0.2)
    assert (found["low"], found["high"]) == pytest.approx((0.4 * 0.5 + 0.12, 0.4 * 1.0 + 0.12))


def test_an_interval_is_shown_where_there_is_one() -> None:
    assert suites.shown({"mean": 0.5, "low": 0.25, "high": 0.75}) == "50.0% (95 % interval 25.0% to 75.0%)"
    assert suites.shown({"mean": 0.5, "low": None, "high": None}) == "50.0%"


def shipped() -> dict[str, dict[str, object]]:
    return yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["eval"]["suites"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["structure", "tab_completion", "note_completion"])
def test_the_shipped_suites_ask_something_at_every_prompt(name: str) -> None:
    asked = shipped()[name]
    prompts: list[str] = asked["prompts"]  # type: ignore[assignment]
    indicators: tuple[str, ...] = tuple(asked["indicators"])  # type: ignore[arg-type]
    assert 8 <= len(set(prompts)) == len(prompts) <= 12
    assert set(indicators) <= set(INDICATORS)
    used = set()
    for prompt in prompts:
        mean, applying = score(indicators, prompt, "")
        assert mean == 0.0 and len(applying) >= 2
        used |= set(applying)
    assert used == set(indicators)


def test_the_shipped_weights_are_those_of_the_experiment() -> None:
    assert [suite["weight"] for suite in shipped().values()] == ["40%", "30%", "30%"]


@pytest.mark.parametrize("completion", [
    'Morning"\n\\tempo 90\n\\track "Lute"\n\\staff {tabs}\n\\instrument 24\n3.2.1 | 3.2.1 | 3.2.1 |\n'])
def test_a_good_answer_to_an_open_title_scores_in_full(completion: str) -> None:
    indicators: tuple[str, ...] = tuple(shipped()["structure"]["indicators"])  # type: ignore[arg-type]
    assert score(indicators, '\\title "', completion)[0] == 1.0


@pytest.mark.parametrize("prompt", ["(6.2 1.5).", "(4.2 1.5{t}).", "24.1.", "(0.6 2.5 2.4).", "5.2{h}.", "12.1.",
                                    "(7.1 8.2{b (0 4)}).", "0.6{pm}.8 0.6{pm}."])
def test_a_good_answer_to_an_open_note_scores_in_full(prompt: str) -> None:
    indicators: tuple[str, ...] = tuple(shipped()["note_completion"]["indicators"])  # type: ignore[arg-type]
    assert score(indicators, prompt, "8 (6.2 1.5{v}).8 3.2.4 | 3.2.1 | ")[0] == 1.0
