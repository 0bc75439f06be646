"""No sample is served twice or left out: across phases, ranks, accumulation, epochs, and resumes at any step."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract.phases import Batch, Phase
from expc.compiler.contract.training import Training
from expc.runtime.loading import Stream
from expc.runtime.sampling import Sampler
from tests.runtime import toy_family


@st.composite
def trainings(draw: st.DrawFn) -> Training:
    """Up to four phases of up to six updates, each with rows and accumulation of its own, on one to three ranks."""
    ranks, phases, start = draw(st.integers(1, 3)), [], 0
    for name in "abcd"[: draw(st.integers(1, 4))]:
        batch = Batch(draw(st.integers(1, 4)), 8, draw(st.integers(1, 3)), ranks)
        end = start + draw(st.integers(1, 6))
        phases.append(Phase(name, start, end, batch, False, {}, {}, ()))
        start = end
    return dataclasses.replace(toy_family.training(), batch=phases[0].batch, phases=tuple(phases), steps=start)


def attempt(training: Training, first: int, last: int, rank: int) -> Iterator[int]:
    """The samples that a rank is served from one step to another, by a process that knows nothing of those before it."""
    phase, stream = None, None
    for update in range(first, last):
        if training.phase_at(update) is not phase:
            phase = training.phase_at(update)
            batch = phase.batch
            stream = Stream(lambda begin, count: np.arange(begin, begin + count), batch.rows, batch.rows * batch.ranks, 0)
        assert stream is not None
        for begin in batch.firsts(training.served(update).samples, rank):
            yield from stream.take(begin).tolist()


@given(trainings(), st.lists(st.integers(0, 24), max_size=4))
def test_every_sample_is_served_once_wherever_the_run_was_interrupted(training: Training, stops: list[int]) -> None:
    ends = sorted({min(stop, training.steps) for stop in stops} | {0, training.steps})
    served = [sample for first, last in zip(ends, ends[1:], strict=False) for rank in range(training.batch.ranks)
              for sample in attempt(training, first, last, rank)]
    assert sorted(served) == list(range(training.served(training.steps).samples))


@given(trainings())
def test_the_counters_are_the_sum_of_what_each_update_serves(training: Training) -> None:
    for update in range(training.steps):
        before, after, batch = training.served(update), training.served(update + 1), training.phase_at(update).batch
        assert after.samples - before.samples == batch.samples == sum(
            len(batch.firsts(before.samples, rank)) * batch.rows for rank in range(batch.ranks))
        assert after.tokens - before.tokens == batch.tokens


@given(trainings(), st.integers(40, 200), st.integers(0, 2**32 - 1))
def test_an_epoch_has_every_row_once_even_where_the_batch_changes_within_it(training: Training, tokens: int, seed: int
                                                                             ) -> None:
    total = training.served(training.steps).samples
    served = [sample for rank in range(training.batch.ranks) for sample in attempt(training, 0, training.steps, rank)]
    rows = Sampler(tokens, 8, seed).rows
    starts = {sample: int(Sampler(tokens, 8, seed).starts(sample, 1)[0]) for sample in served}
    for epoch in range(total // rows):
        seen = Counter(starts[sample] for sample in range(epoch * rows, (epoch + 1) * rows))
        assert len(seen) == rows and set(seen.values()) == {1}
        assert {(start - min(seen)) % 8 for start in seen} == {0} and max(seen) + 8 < tokens
