"""A key that nobody knows: what is offered instead is of the family that the spec has, or most likely meant."""

from __future__ import annotations

import pytest

from expc.compiler.diagnostics import nearest
from expc.compiler.frontend.meant import Meant
from expc.compiler.frontend.shapes import Shapes
from expc.compiler.spec_schema import complete

SHAPES = Shapes(complete())
GPT = "known here in gpt: family, depth, dim, heads, vocabulary, sequence_length, rope_base, logit_softcap"


@pytest.mark.parametrize(("family", "key", "said"), [
    ("gtp", "wdith", 'did you mean "dim", elsewhere called "width"?'),  # another family has model.discriminators.width
    ("gtp", "qqqqqq", GPT),
    ("gtp", "dpeth", 'did you mean "depth"?'),
    ("glyphvae", "ltent", 'did you mean "latent"?'),
    ("glyphvae", "heads_", 'did you mean "heads"?'),
    ("zzzz", "dpth", 'did you mean "depth" (as in gpt, meloformer, nanochat)?'),
    ("zzzz", "discrimnators", 'did you mean "discriminators" (as in timbre_restore)?'),
    ("zzzz", "famly", 'did you mean "family"?'),
    ("zzzz", "wdith", "which keys it may have, its family decides"),
    (None, "dpth", 'did you mean "depth" (as in gpt, meloformer, nanochat)?'),
    (3, "qqqqqq", "which keys it may have, its family decides")])
def test_an_unknown_family_gives_no_silly_guess(family: object, key: str, said: str) -> None:
    asked = Meant(SHAPES, {"model": {key: 3} | ({"family": family} if family else {})})
    from_near = asked.words(("model", key), _near(asked, key), [], False)
    assert from_near == said


def test_where_the_place_is_known_no_family_is_named() -> None:
    asked = Meant(SHAPES, {"model": {"family": "zzzz"}})
    assert asked.words(("phases", "0", "rte"), "rate", ["rate", "rates"], False) == 'did you mean "rate"?'


def _near(asked: Meant, key: str) -> str | None:
    return nearest(key, asked.names(("model",)))


def test_of_a_known_family_no_place_of_another_is_offered() -> None:
    asked = Meant(SHAPES, {"model": {"family": "gpt", "qqqqqq": 3}})
    assert asked.words(("model", "qqqqqq"), None, ["depth", "dim"], False) == "known here: depth, dim"
    assert Meant(SHAPES, {"model": {"family": "timbre_restore"}}).home(("model", "width")) is not None
    assert asked.home(("model", "width")) is None
    assert Meant(SHAPES, {"model": {"famly": "gpt"}}).family == "gpt"
    assert asked.home(("model", "matrix_lr")) == "matrix_lr belongs under optimizer"
