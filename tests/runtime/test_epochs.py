"""Epochs, whatever a family calls what its data hold."""

from __future__ import annotations

from typing import Any

import pytest

from expc.runtime.epochs import epochs
from tests.runtime import toy_family


@pytest.mark.parametrize(("counted", "fingerprint", "found"), [
    ("tokens", {"tokens": {"train": 2000, "valid": 9}}, 1.5),                    # gpt, by tokens: rows may change in length
    ("tokens", {"tokens": {"train": 2999, "valid": 9}, "rows": 20}, 1.5),        # meloformer, by the rows that fit
    ("frames", {"tokens": {"train": 2000}, "documents": {"train": 7}}, 1.5),     # timbre_restore, musicgen_lora
    ("glyphs", {"glyphs": {"train": 2000, "valid": 9}}, 1.5),                    # glyph_vae: a glyph counts as one
    ("tokens", {"sha256": "0"}, None),
])
def test_every_familys_data_can_be_counted(counted: str, fingerprint: dict[str, Any], found: float | None) -> None:
    made = toy_family.experiment(toy_family.training(), counted=counted)
    assert epochs(made, fingerprint, 30, 3000) == found
