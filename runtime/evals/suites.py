"""Suites run on one checkpoint: prompts completed, completions judged, scores with intervals as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from expc.compiler.contract.promises import Suite

from ..errors import UserError
from ..statistics import Clusters, weighted_gain, weighted_mean
from .indicators import is_valid, score

if TYPE_CHECKING:
    from ..families import Generator

Result = Mapping[str, Any]


def run_suite(suite: Suite, generator: Generator, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Every prompt completed `samples` times and judged; the interval is over prompts. Raises UserError."""
    prompts = [prompt for prompt in suite.prompts for _ in range(suite.samples)]
    completions = generator.generate(prompts, suite.max_new_tokens, suite.temperature, suite.seed, progress)
    samples = [_judged(suite, prompt, completion) for prompt, completion in zip(prompts, completions, strict=True)]
    scores = clusters({"samples": samples})
    if not scores:
        raise UserError(f"the suite {suite.name} measures nothing: its prompts hold or rule out all that its "
                        "indicators ask for; give it other prompts or indicators (eval.suites), then build again")
    return {
        "weight": suite.weight,
        "score": weighted_mean([(1.0, scores)]).plain(),
        "indicators": _means(samples),
        "validity": sum(sample["validity"] for sample in samples) / len(samples),
        "samples": samples,
    }


def _judged(suite: Suite, prompt: str, completion: str) -> dict[str, Any]:
    mean, values = score(suite.indicators, prompt, completion)
    return {"prompt": prompt, "completion": completion, "indicators": values, "score": mean,
            "validity": is_valid(prompt, completion)}


def clusters(suite: Result) -> Clusters:
    """Scores by prompt, in the order of the prompts; a prompt that no indicator applies to is left out."""
    grouped: dict[str, list[float]] = defaultdict(list)
    for sample in suite["samples"]:
        if sample["score"] is not None:
            grouped[sample["prompt"]].append(sample["score"])
    return list(grouped.values())


def composite(suites: Mapping[str, Result]) -> dict[str, float | None]:
    """The weighted mean over suites, with its interval over all their prompts."""
    return weighted_mean([(suite["weight"], clusters(suite)) for suite in suites.values()]).plain()


def gain(before: Mapping[str, Result], after: Mapping[str, Result]) -> dict[str, Any]:
    """What `after` has over `before`, prompt by prompt: the composite's gain and each suite's, with intervals."""
    pairs = {name: (suite["weight"], clusters(before[name]), clusters(suite)) for name, suite in after.items()}
    return {"composite": weighted_gain(list(pairs.values())).plain(),
            "suites": {name: weighted_gain([(1.0, old, new)]).plain() for name, (_, old, new) in pairs.items()}}


def shown(interval: Mapping[str, float | None]) -> str:
    """A score with its interval for a terminal."""
    mean, low, high = interval["mean"], interval["low"], interval["high"]
    within = "" if low is None or high is None else f" (95 % interval {low:.1%} to {high:.1%})"
    return f"{mean:.1%}{within}"


def _means(samples: Sequence[Result]) -> dict[str, float]:
    """The mean of each indicator over the samples that it applies to."""
    values: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        for name, value in sample["indicators"].items():
            values[name].append(value)
    return {name: sum(found) / len(found) for name, found in values.items()}
