"""The tokenizer: exactly as large as said, the same every time, and able to spell anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.runtime import alphatex
from expc.runtime.errors import UserError
from expc.runtime.families.gpt import tokenizer as bpe

PIECES = [alphatex.generate_piece(3, index) for index in range(80)]
TRAINED = bpe.train(PIECES, 512)


def test_has_the_size_that_the_spec_says() -> None:
    assert TRAINED.get_vocab_size() == 512
    assert TRAINED.token_to_id(bpe.BEGIN) == bpe.BEGIN_ID


def test_two_trainings_give_the_same_file() -> None:
    assert bpe.train(PIECES, 512).to_str() == TRAINED.to_str()


def test_tokens_may_span_several_notes_but_no_bar_line() -> None:
    large = bpe.train(PIECES, 1024)
    texts = bpe.spelling(large)
    assert any(text.count("Ġ") >= 2 for text in texts)
    assert not any("|" in text[:-1] for text in texts)


def test_too_few_texts_say_how_many_tokens_they_support() -> None:
    with pytest.raises(UserError, match=r"says 8,192, but this data supports [\d,]+ tokens: write [\d,]+, or"):
        bpe.train(PIECES[:2], 8192)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_spells_any_text(text: str) -> None:
    encoding = TRAINED.encode(text, add_special_tokens=False)
    if bpe.BEGIN not in text:
        assert TRAINED.decode(encoding.ids, skip_special_tokens=False) == text
        counted = bpe.token_bytes(TRAINED)
        assert sum(counted[token] for token in encoding.ids) == len(text.encode())


def test_a_large_collection_is_sampled_from_end_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpe, "SAMPLE_CHARACTERS", 100)
    assert bpe._sample(["x" * 10] * 5) == ["x" * 10] * 5
    texts = [str(index % 10) * 10 for index in range(40)]
    assert bpe._sample(texts) == texts[::4]
