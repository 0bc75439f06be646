"""Whatever a spec says stays a literal: as a word of a command and as the rest of a comment."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expc.compiler.launchers import quoting

HOSTILE = ["", "plain", "two words", "it's", '"', "$(touch x)", "`touch x`", "${HOME}", "a\nb", "tab\there", "\x1b[31m",
           "\\", "\\n", "!!", "*", "~", "-n", "# no", "'\n'", "四层", "\u202edrow", "\u2028",
           "é\u0301", "\r\n", "\x7f", "\x01f"]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def read_back(words: list[str], locale: str) -> list[str]:
    script = "printf '%s\\0' " + " ".join(quoting.shell(word) for word in words)
    done = subprocess.run(["bash"], input=script.encode(), capture_output=True, check=True, env={"LC_ALL": locale})
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_bash_reads_a_quoted_word_as_it_was(locale: str) -> None:
    assert read_back(HOSTILE, locale) == HOSTILE


@settings(max_examples=50)
@given(st.lists(TEXT, min_size=1, max_size=30))
def test_bash_reads_any_words_as_they_were(words: list[str]) -> None:
    assert read_back(words, "C") == words


@given(TEXT)
def test_a_quoted_word_and_a_comment_show_no_control_characters(text: str) -> None:
    assert quoting.shell(text).isprintable()
    assert not {"\n", "\r", "\u202e", "\u2028", "\x1b"} & set(quoting.comment(text))


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_what_no_argument_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        quoting.shell(text)


def test_a_comment_is_one_line() -> None:
    assert quoting.comment("first\nrm -rf /\r\n  third") == "first rm -rf / third"
    assert quoting.comment("over\u202eride\x07") == "over\\u202eride\\u0007"


def test_a_template_cannot_print_what_is_not_quoted() -> None:
    environment = quoting._environment()
    assert environment.from_string("a={{ a | shell }} # {{ a | comment }}").render(a="x y") == "a='x y' # x y"
    with pytest.raises(quoting.Unquoted):
        environment.from_string("a={{ a }}").render(a="x")
