"""Curves are drawn from whatever lines there are, without a display, a cache of fonts or text that needs one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from expc.compiler.contract.schedules import trapezoid
from expc.runtime import figures

LINES = [
    {"step": 10, "kind": "train", "loss": 5.0, "rate": 0.5},
    {"step": 20, "kind": "train", "loss": 4.0, "rate": 1.0},
    {"step": 20, "kind": "valid", "valid_loss": 4.1, "tunes_loss": 4.5},
]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("own", [LINES, LINES[:1], [{"step": 1, "kind": "train", "loss": None}], []])
def test_both_curves_are_written_whole(tmp_path: Path, own: list) -> None:
    figures.loss_curve(tmp_path / "new" / "loss.png", "run: loss", own, LINES, {"uniform guess, ln V": 6.2})
    figures.rate_curve(tmp_path / "new" / "rate.png", "run: rate", own, [], trapezoid(0, 20, 5, 5, 0.1), 0, 20)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["loss.png", "rate.png"]
    assert all(path.read_bytes().startswith(PNG) for path in (tmp_path / "new").iterdir())


def test_phases_are_marked_and_a_weighted_loss_stands_apart(tmp_path: Path) -> None:
    sizes = []
    for name, weighted in (("one.png", False), ("two.png", True)):
        figures.loss_curve(tmp_path / name, "run: loss", LINES, [], {}, "loss", {15: "adversarial"}, weighted)
        sizes.append(plt.imread(tmp_path / name).shape[:2])
    assert sizes == [(552, 1080), (768, 1080)]


def test_the_same_lines_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        figures.loss_curve(tmp_path / name, "run: loss", LINES, [], {})
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_smoothing_keeps_ends_and_straight_lines() -> None:
    steps, values = list(range(500)), [float(step) for step in range(500)]
    assert figures._smoothed((steps, values)) == (steps, pytest.approx(values))


def test_a_missing_figure_is_no_point() -> None:
    assert figures._series([{"step": 1, "kind": "train", "loss": None}, *LINES], "train", "loss") == (
        [10, 20],
        [5.0, 4.0],
    )


def test_importing_the_report_draws_in_neither_matplotlib_nor_torch() -> None:
    program = (
        "import sys, expc.runtime.report, expc.runtime.figures\n"
        "print([name for name in ('matplotlib', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
