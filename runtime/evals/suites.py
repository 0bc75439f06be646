"""Suites run on one checkpoint: prompts completed, completions judged, scores with intervals as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from expc.compiler.contract.promises import Evaluation, Suite

from .. import alphatex
from ..families import Generator
from ..statistics import Interval, weighted_mean
from .indicators import score


def run_suite(suite: Suite, generator: Generator, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Every prompt completed `samples` times and judged; the interval is over prompts."""
    prompts = [prompt for prompt in suite.prompts for _ in range(suite.samples)]
    completions = generator.generate(prompts, suite.max_new_tokens, suite.temperature, suite.seed, progress)
    samples = [_judged(suite, prompt, completion) for prompt, completion in zip(prompts, completions, strict=True)]
    return {
        "weight": suite.weight,
        "score": plain(weighted_mean([(1.0, clusters(samples))])),
        "indicators": _means(samples),
        "validity": sum(sample["validity"] for sample in samples) / len(samples),
        "samples": samples,
    }


def _judged(suite: Suite, prompt: str, completion: str) -> dict[str, Any]:
    mean, values = score(suite.indicators, prompt, completion)
    return {"prompt": prompt, "completion": completion, "indicators": values, "score": mean,
            "validity": alphatex.validity(prompt + completion).share}


def clusters(samples: Sequence[dict[str, Any]]) -> list[list[float]]:
    """Scores by prompt, in the order of the prompts."""
    grouped: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        grouped[sample["prompt"]].append(sample["score"])
    return list(grouped.values())


def composite(evaluation: Evaluation, suites: dict[str, dict[str, Any]]) -> Interval:
    """The weighted mean over suites, with its interval over all their prompts."""
    return weighted_mean([(suite.weight, clusters(suites[suite.name]["samples"])) for suite in evaluation.suites])


def plain(interval: Interval) -> dict[str, float]:
    """An interval for JSON."""
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def _means(samples: Sequence[dict[str, Any]]) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        for name, value in sample["indicators"].items():
            values[name].append(value)
    return {name: sum(found) / len(found) for name, found in values.items()}
