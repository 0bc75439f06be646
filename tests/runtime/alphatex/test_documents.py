"""Users' own files: what is found, how it is read, which mistakes are named, and how pieces are split."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.runtime.alphatex import Document, DocumentError, generate_piece, load_folder, split_by_piece


def test_finds_both_kinds_in_all_folders_in_order(tmp_path: Path):
    (tmp_path / "b").mkdir()
    for name in ("z.atex", "b/a.tex", "a.ATEX", "notes.txt"):
        (tmp_path / name).write_text(f"3.2.1 | // {name}", encoding="utf-8")
    documents = load_folder(tmp_path)
    assert [document.name for document in documents] == ["a.ATEX", "b/a.tex", "z.atex"]
    assert documents[1].text == "3.2.1 | // b/a.tex"


def test_line_endings_and_byte_order_mark(tmp_path: Path):
    (tmp_path / "a.atex").write_bytes(b"\xef\xbb\xbf3.2.1 |\r\n3.2.1 |\r3.2.1 |\n")
    assert load_folder(tmp_path)[0].text == "3.2.1 |\n3.2.1 |\n3.2.1 |\n"


def test_wrong_encoding_is_named(tmp_path: Path):
    (tmp_path / "a.atex").write_bytes('\\title "Fr\xe8re"'.encode("latin-1"))
    with pytest.raises(DocumentError, match=r"a\.atex is not UTF-8 \(byte 11\)"):
        load_folder(tmp_path)


def test_no_folder(tmp_path: Path):
    with pytest.raises(DocumentError, match="there is no folder"):
        load_folder(tmp_path / "missing")


def test_no_files(tmp_path: Path):
    (tmp_path / "a.txt").write_text("3.2.1 |")
    with pytest.raises(DocumentError, match=r"holds no \.atex or \.tex file"):
        load_folder(tmp_path)


def test_empty_files_are_named(tmp_path: Path):
    for name in ("a.atex", "b.atex"):
        (tmp_path / name).write_text(" \n")
    (tmp_path / "c.atex").write_text("3.2.1 |")
    with pytest.raises(DocumentError, match=r"empty files: a\.atex, b\.atex"):
        load_folder(tmp_path)


DOCUMENTS = [Document(f"{index}.atex", generate_piece(2, index)) for index in range(100)]


def test_split_sizes_and_order():
    train, valid = split_by_piece(DOCUMENTS, 0.1, 0)
    assert (len(train), len(valid)) == (90, 10)
    assert sorted(train + valid, key=DOCUMENTS.index) == DOCUMENTS
    assert train == [one for one in DOCUMENTS if one in train]


def test_split_goes_by_content_not_by_name_or_order():
    renamed = [Document("x" + one.name, one.text) for one in reversed(DOCUMENTS)]
    first, second = split_by_piece(DOCUMENTS, 0.2, 5)[1], split_by_piece(renamed, 0.2, 5)[1]
    assert {one.text for one in first} == {one.text for one in second}
    assert split_by_piece(DOCUMENTS, 0.2, 6)[1] != first


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40), st.floats(0, 0.99), st.integers(0, 3))
def test_no_piece_is_on_both_sides(contents: list[int], fraction: float, seed: int):
    documents = [Document(f"{place}.atex", f"{content}.1.1 |") for place, content in enumerate(contents)]
    if fraction > 0 and len(set(contents)) < 2:
        with pytest.raises(DocumentError, match="cannot be split"):
            split_by_piece(documents, fraction, seed)
        return
    train, valid = split_by_piece(documents, fraction, seed)
    assert {one.text for one in train}.isdisjoint(one.text for one in valid)
    assert len(train) + len(valid) == len(documents)
    assert train and bool(valid) == (fraction > 0)


def test_a_fraction_of_one_is_refused():
    with pytest.raises(DocumentError, match="below 1"):
        split_by_piece(DOCUMENTS, 1.0, 0)
