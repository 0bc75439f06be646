"""Labels as MusicGen is trained on them: delayed, masked where padded, and a loss that weighs every label alike."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.musicgen.modeling_musicgen import shift_tokens_right

from expc.runtime.families.musicgen_lora.labels import IGNORED, inputs, labels, losses, undelayed


def codes(batch: int, frames: int, books: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 32, (batch, frames, books), generator=torch.Generator().manual_seed(seed))


def test_each_codebook_is_delayed_by_its_number() -> None:
    rows = labels(torch.tensor([[[1, 2, 3], [4, 5, 6]]]), torch.tensor([2]), mask=True)
    assert rows[0].tolist() == [[1, IGNORED, IGNORED], [4, 2, IGNORED], [IGNORED, 5, 3], [IGNORED, IGNORED, 6]]


def test_padded_frames_are_no_labels_unless_they_are_wanted() -> None:
    some, lengths = codes(2, 10, 4), torch.tensor([6, 10])
    assert (labels(some, lengths, mask=True) != IGNORED).sum(dim=(1, 2)).tolist() == [24, 40]
    assert (labels(some, lengths, mask=False) != IGNORED).sum(dim=(1, 2)).tolist() == [40, 40]


@given(st.integers(1, 3), st.integers(1, 9), st.integers(2, 4))
def test_the_delay_can_be_undone(batch: int, frames: int, books: int) -> None:
    some = codes(batch, frames, books)
    assert torch.equal(undelayed(labels(some, torch.full((batch,), frames), mask=False)), some)


def test_inputs_are_those_of_transformers() -> None:
    rows = labels(codes(2, 7, 4), torch.tensor([5, 7]), mask=True)
    assert torch.equal(inputs(rows, 32), shift_tokens_right(rows, 32, 32))


def test_sums_and_counts_of_each_codebook() -> None:
    rows = labels(codes(2, 6, 4), torch.tensor([3, 6]), mask=True)
    sums, counts = losses(torch.zeros(8, 9, 32), rows)
    assert counts.tolist() == [9, 9, 9, 9]
    torch.testing.assert_close(sums / counts, torch.full((4,), 32.0).log())


def test_a_codebook_without_labels_is_no_nan() -> None:
    sums, counts = losses(torch.zeros(4, 6, 32), labels(codes(1, 3, 4), torch.tensor([0]), mask=True))
    assert sums.tolist() == [0.0] * 4 and counts.tolist() == [0] * 4
