"""Hostile prose in the documents, read by a Markdown parser: the skeleton stays, cells keep their walls, no HTML is taken."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from expc.compiler.pipeline import Session, artifacts
from tests.compiler.commands.shell import ROOT
from tests.fuzz.hostile import HOSTILE, TEXT
from tests.fuzz.spec_texts import at, changed, places, tree_of, written

OURS = {"br", "code", "sub"}  # the tags that our own templates write
PROSE = {"zh", "en", "title", "goal", "why", "text", "conclusion", "next"}
TREE = tree_of((ROOT / "specs" / "d8_v2.yaml").read_text(encoding="utf-8"))
PLACES = [place for place in places(TREE) if place and place[-1] in PROSE and isinstance(at(TREE, place), str)]


class Page(HTMLParser):
    """The tags of a page with their attributes, and its addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert (tag, name) in {("a", "href"), ("img", "src"), ("img", "alt"), ("ol", "start"), ("code", "class"),
                                   *((cell, "style") for cell in ("th", "td"))}, (tag, name, value)
            if name in ("href", "src"):
                self.addresses.add(str(value))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a section: {data}")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    shutil.copytree(ROOT / "specs", folder / "specs")
    return folder


def documents(workspace: Path, tree: Any) -> list[str]:
    (workspace / "specs" / "d8_v2.yaml").write_text(written(tree), encoding="utf-8")
    experiment = Session(workspace).compile(workspace / "specs" / "d8_v2.yaml").experiment
    assert experiment is not None
    return [text for name, text in artifacts(experiment).items() if name.endswith(".md")]


def skeleton(document: str) -> list[tuple[str, str, int]]:
    """What a document is made of, apart from its texts: blocks, and the walls of table rows as they are written."""
    blocks = [(token.type, token.tag, token.level) for token in MarkdownIt("gfm-like", {"linkify": False}).parse(document)]
    walls = [("row", "", line.count("|")) for line in document.split("\n") if line.startswith("|")]
    return blocks + walls


def with_prose(text: str) -> Any:
    tree = TREE
    for place in PLACES:
        tree = changed(tree, place, text)
    return tree


def holds(workspace: Path, text: str) -> None:
    one_line = re.sub(r"\s*\n\s*|\s*\r\s*", " ", text).replace("${", "$${").strip() or "words"
    harmless = documents(workspace, with_prose("words"))
    for ours, made in zip(harmless, documents(workspace, with_prose(one_line)), strict=True):
        assert skeleton(made) == skeleton(ours)
        page, expected = (Page(MarkdownIt("gfm-like", {"linkify": False}).render(one)) for one in (made, ours))
        assert set(page.tags) <= set(expected.tags) | OURS and page.addresses == expected.addresses


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\ud83c" not in text and len(text) < 9999])
def test_prose_never_leaves_its_place(text: str, workspace: Path) -> None:
    holds(workspace, text)


MARKUP = st.text(st.sampled_from(list("`|<>&*_[]()#\\~$!-=+1.)ab")), max_size=40)


@settings(max_examples=30)
@given(MARKUP | TEXT.filter(lambda text: "\ud83c" not in text and len(text) < 9999))
def test_no_prose_leaves_its_place(workspace: Path, text: str) -> None:
    holds(workspace, text)
