"""Scoring what a model wrote behind a prompt: where the text is cut, what a fragment may be, what share is sound."""

from __future__ import annotations

import pytest

from expc.runtime.alphatex import Validity, generate_piece, validity

HEADER = '\\title "A"\n\\tempo 120\n\\track "Lead"\n\\staff {score tabs}\n\\tuning (E4 B3 G3 D3 A2 E2)\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Validity(False, 0, 0)),
        ('\\title "', Validity(False, 0, 0)),
        (HEADER + "3.2.1 | 3.2.2 3", Validity(True, 1, 1)),
        (HEADER + "3.2.1 | 3.2.2 | 3.2.1 |", Validity(False, 3, 2)),
        (HEADER + "3.2.1 | 3.2.1{t} | 3.2.1 |", Validity(False, 3, 2)),
        (HEADER + '3.2.1 | \\track "Ba', Validity(True, 1, 1)),
        (HEADER + '3.2.1 | \\track "Ba 3.2.1 | 3.2.1 |', Validity(False, 3, 1)),
        (HEADER + "r.1 |", Validity(False, 1, 1)),
        ('\\titel "A"\n3.2.1 |', Validity(False, 1, 0)),
    ],
)
def test_pieces(text: str, expected: Validity):
    assert validity(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("| 3.2 2.3 1.2 0.1 | 3.2 3.2 3.2 3.2 |", Validity(True, 2, 2)),
        ("| 3.2.2{d} | 3.2.2{d} | 3.2.1 |", Validity(False, 3, 2)),
        ("(6.2 1.5).8 3.2.8 | 3.2.1 |", Validity(True, 2, 2)),
        ("24.1.4 24.1.4 | 3.2.2{d} | 3.2.2{d} |", Validity(True, 3, 3)),
        ("24.1.1 24.1.4 | 3.2.1 |", Validity(False, 2, 1)),
        ("| | 3.2.1 |", Validity(False, 2, 1)),
        ("(6.2 1.5).", Validity(False, 0, 0)),
        ("3.2.4{t} | 3.2.1 |", Validity(False, 2, 1)),
    ],
)
def test_fragments(text: str, expected: Validity):
    assert validity(text) == expected


def test_score_and_share():
    assert (validity(HEADER + "3.2.1 | 3.2.2 |").score, validity(HEADER + "3.2.1 | 3.2.2 |").share) == (0.0, 0.5)
    assert validity("").share == 0.0
    whole = validity(generate_piece(0, 0))
    assert (whole.score, whole.share) == (1.0, 1.0)
