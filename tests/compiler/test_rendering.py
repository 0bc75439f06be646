"""Strings of a spec never break a document; words of all languages agree with each other and with the templates."""

from __future__ import annotations

import json
import re
import string
import sys
import unicodedata
from pathlib import Path

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract import markdown, rendering

ROOT = Path(__file__).resolve().parents[2]
NASTY = st.text(st.sampled_from(list("`|<>&*_[]()#\\~$!-=+1.)\n\r\t \u202e\u2028\x00\ud800ab好")), max_size=30)


@given(NASTY | st.text(max_size=40))
def test_inline_is_one_line_without_live_html_or_cell_borders(text: str) -> None:
    shown = rendering.inline(text)
    outside_code = re.sub(r"`[^`]*`|</?code>", "", shown)
    assert not set("\n\r|\x00\u202e") & set(shown)
    assert not re.search(r"[<>]|(?<!\\)[*\[\]$~]", outside_code)
    shown.encode()


def test_exactly_what_cannot_be_seen_is_made_visible() -> None:
    """Controls, formats, surrogates and separators by their Unicode category; a character that this Python's tables do not
    have yet may be among them."""
    every = [chr(number) for number in range(sys.maxunicode + 1) if unicodedata.category(chr(number)) != "Cn"]
    hidden = {one for one in every if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - set("\u00ad\u200c\u200d")
    assert {one for one in every if markdown.visible(one) != one} == hidden


@given(NASTY)
def test_code_is_one_balanced_span_that_holds_in_a_table(text: str) -> None:
    shown = rendering.code(text)
    assert re.fullmatch(r"`[^`|\n]+`|<code>[^<>|`\n*_\\\[]*</code>", shown)


@given(NASTY)
def test_fence_cannot_be_left_by_its_text(text: str) -> None:
    lines = rendering.fence(text).split("\n")
    marks = lines[0].removesuffix("text")
    assert set(marks) == {"`"} and lines[-1] == marks
    assert not any(line.lstrip().startswith(marks) for line in lines[1:-1])


@given(NASTY)
def test_blockquote_keeps_every_line_quoted_and_shows_html(text: str) -> None:
    quoted = rendering.blockquote(text + "<script>x</script>")
    assert all(line.startswith(">") for line in quoted.split("\n"))
    assert not re.search(r"<[A-Za-z/!?]", quoted)


@pytest.mark.parametrize(("text", "shown"), [
    ("0.66 at d8_depth", "0.66 at d8_depth"),
    ("# no heading", "\\# no heading"),
    ("1. no list", "1\\. no list"),
    ("- no list", "\\- no list"),
    ("-0.5 stays", "-0.5 stays"),
    ("see `a|b` | <i>", "see <code>a&#124;b</code> &#124; &lt;i&gt;"),
    ("two\nlines", "two lines"),
    ("_em_ and *strong*", "\\_em\\_ and \\*strong\\*"),
    ("bell \x07", "bell \\\\u0007"),
])
def test_inline_by_example(text: str, shown: str) -> None:
    assert rendering.inline(text) == shown


@pytest.mark.parametrize(("text", "shown"), [
    ('\\title "', '`\\title "`'),
    ("\\tempo 120\n", "`\\tempo 120⏎`"),
    ("| 3.2 ", "<code>&#124; 3.2␣</code>"),
    ("   ", "`␣␣␣`"),
    ("a\\", "<code>a&#92;</code>"),
])
def test_code_by_example(text: str, shown: str) -> None:
    assert rendering.code(text) == shown


def test_prose_keeps_paragraphs() -> None:
    assert rendering.prose("one\ntwo\n\n\n# three") == "one two\n\n\\# three"


@pytest.mark.parametrize(("value", "unit", "shown"), [
    (None, "nats", "–"), (0.4996, "nats", "0.500 nats"), (0.831, "fraction", "83.1%"), (6e9, "bytes", "6.00 GB"),
    (5400, "seconds", "1 h 30 min"), (12345.6, "per_second", "12,346/s"), (18874368, "number", "18,874,368"),
    (1.5e18, "number", "1.5e+18"), (0.3412, "CNY", "0.34 CNY"),
])
def test_amounts_carry_their_unit(value: float | None, unit: str, shown: str) -> None:
    assert rendering.amount(value, unit) == shown


def test_say_falls_back_without_inventing() -> None:
    assert rendering.say({"zh": "好", "en": "good"}, "en") == "good"
    assert rendering.say({"any": "both"}, "zh") == "both"
    assert rendering.say({"en": "only"}, "zh") == "only"
    assert rendering.say({}, "zh") == ""


def test_undefined_names_raise() -> None:
    with pytest.raises(jinja2.UndefinedError):
        rendering.environment().from_string("{{ nothing }}").render()


def test_tidy_leaves_fences_alone() -> None:
    assert rendering.tidy("\n\na  \n\n\n\nb\n```text\nx  \n\n\n```\n\n") == "a\n\nb\n```text\nx  \n\n\n```\n"


def _words(language: str) -> dict[str, str]:
    return json.loads((rendering.FOLDER / "words" / f"{language}.json").read_text(encoding="utf-8"))


def _placeholders(sentence: str) -> set[str]:
    fields = {field for _, field, _, _ in string.Formatter().parse(sentence) if field}
    return {"units" if field == "Units" else field for field in fields}


def test_languages_have_the_same_keys_with_the_same_placeholders() -> None:
    zh, en = _words("zh"), _words("en")
    assert zh.keys() == en.keys()
    assert {key for key in zh if _placeholders(zh[key]) != _placeholders(en[key])} == set()
    empty = {key for words in (zh, en) for key, text in words.items() if not text.strip()}
    assert empty == {"gap"}  # what stands between two sentences: a blank in English, nothing in Chinese


def _sources() -> str:
    folders = ("templates", "compiler", "runtime/report")
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.suffix in (".py", ".j2")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_every_word_is_used_and_every_used_word_is_there() -> None:
    known, sources = _words("en"), _sources()
    literal = set(re.findall(r"""\b(?:t|words)[(\[]\s*["']([a-z_.]+)["']\s*[],)]""", sources))
    assert literal - known.keys() == set()
    kinds = (r"""["']([a-z_.]+)\.["'] [~+]""", r"""f"([a-z_.]+)\.\{""", r"""(?:label|sentence)\(["']([a-z_.]+)["']""")
    families = tuple(f"{one}." for kind in kinds for one in re.findall(kind, sources))
    quoted = set(re.findall(r"""["']([a-z_.]+)["']""", sources))
    assert {key for key in known if key not in quoted and not key.startswith(families)} == set()
