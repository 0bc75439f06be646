"""Whether the stated tokens an update are the product of what makes them up, and the ranks are the devices."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.quantities import parse_count
from ..diagnostics import Diagnostic
from .subject import Subject

CODES = (
    entry(
        "E303",
        "The batch arithmetic does not add up",
        "An update sees rows x sequence length x accumulation x ranks tokens. `batch.total_tokens` states the product, "
        "so that a change of one factor alone does not change the experiment unnoticed.",
        wrong="batch: {rows: 4, total_tokens: 8192}",
        right="batch: {rows: 4, total_tokens: 4096}",
    ),
    entry(
        "E304",
        "Ranks and devices differ",
        "Training starts one process a device. `batch.ranks` and `hardware.count` have to be the same number.",
        wrong="batch: {rows: 2, ranks: 2, total_tokens: 4096}\nhardware: {target: rtx_4060, count: 1}",
        right="batch: {rows: 2, ranks: 2, total_tokens: 4096}\nhardware: {target: rtx_4060, count: 2}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Stated tokens against their product; ranks against devices."""
    training, total = subject.experiment.training, subject.resolved.value("batch.total_tokens")
    batch = training.batch
    if batch is None or (total is None and not training.groups):
        return
    stated = batch.tokens if total is None else parse_count(total)
    if stated != batch.tokens:
        yield subject.finding(
            "E303", f"{batch.rows} rows x {batch.sequence_length:,} tokens x {batch.accumulation} accumulated x "
            f"{batch.ranks} ranks = {batch.tokens:,} tokens an update, not {stated:,}",
            "batch.total_tokens", _mend(batch.tokens, stated, batch.rows),
            ["batch.rows", "model.sequence_length", "batch.accumulation", "batch.ranks"])
    if batch.ranks != subject.experiment.hardware.count and subject.experiment.hardware.target != "cpu":
        yield subject.finding("E304", f"{batch.ranks} ranks for {subject.experiment.hardware.count} devices",
                              "batch.ranks", "one process runs on each device", ["hardware.count"])


def _mend(product: int, stated: int, rows: int) -> str:
    if stated * rows % product == 0:
        return f"write total_tokens: {product}, or rows: {stated * rows // product}"
    return f"write total_tokens: {product}, or change a factor"
