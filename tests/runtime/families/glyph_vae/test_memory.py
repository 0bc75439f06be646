"""The compiler's memory formula holds for the step that runs; `python -m benchmarks.memory glyph_vae` tries more sizes."""

from __future__ import annotations

import pytest

from benchmarks.memory import error
from benchmarks.memory.glyph_vae import CASES, TOLERANCE, Case

SMALL = [case for case in CASES if case.dim < 256]


def test_the_benchmark_has_enough_cases() -> None:
    assert len(CASES) >= 12 and len(SMALL) >= 8


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_predicts_what_the_profiler_sees(case: Case) -> None:
    said, seen, off = error(case)
    assert abs(off) <= TOLERANCE, f"predicted {said:,} bytes, measured {seen:,}"
