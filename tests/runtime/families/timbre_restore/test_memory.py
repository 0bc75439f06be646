"""The compiler's memory formula holds for the update that runs; `python -m benchmarks.memory timbre_restore` tries more."""

from __future__ import annotations

import pytest

from benchmarks.memory import error
from benchmarks.memory.timbre_restore import CASES, TOLERANCE, Case

SMALL = [case for case in CASES if case.width < 8 and case.channels[0] < 32]


def test_the_benchmark_has_enough_cases() -> None:
    assert len(CASES) >= 10 and len(SMALL) >= 6


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_predicts_what_the_profiler_sees(case: Case) -> None:
    said, seen, off = error(case)
    assert abs(off) <= TOLERANCE, f"predicted {said:,} bytes, measured {seen:,}"
