"""Files that are whole or not there, whatever happens in between."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.runtime import files


def test_write_atomic_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    files.write_atomic(target, "one")
    files.write_atomic(target, b"two")
    assert target.read_bytes() == b"two"
    assert os.listdir(target.parent) == ["file.txt"]


def test_a_failed_rename_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file.txt"
    files.write_atomic(target, "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_atomic(target, "new")
    assert target.read_text() == "old" and os.listdir(tmp_path) == ["file.txt"]


def test_json_has_no_nan_and_reads_back(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a.json", {"b": [1.5, float("nan"), float("inf")], "a": None})
    assert files.read_json(tmp_path / "a.json") == {"a": None, "b": [1.5, None, None]}
    (tmp_path / "a.json").write_text('{"a": ')
    assert files.read_json(tmp_path / "a.json") is None
    assert files.read_json(tmp_path / "missing.json") is None


def test_whole_folder_appears_at_the_end_or_not_at_all(tmp_path: Path) -> None:
    with files.whole_folder(tmp_path / "made") as temporary:
        (temporary / "file").write_text("one")
        assert not (tmp_path / "made").exists()
    with pytest.raises(KeyboardInterrupt), files.whole_folder(tmp_path / "made") as temporary:
        (temporary / "file").write_text("two")
        raise KeyboardInterrupt
    assert (tmp_path / "made" / "file").read_text() == "one" and os.listdir(tmp_path) == ["made"]
    with files.whole_folder(tmp_path / "made") as temporary:
        (temporary / "other").write_text("three")
    assert os.listdir(tmp_path / "made") == ["other"] and os.listdir(tmp_path) == ["made"]


def test_leftovers_go_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / ".step_000010.abc").mkdir()
    (tmp_path / ".file.x").write_text("")
    (tmp_path / "step_000010").mkdir()
    files.remove_leftovers(tmp_path)
    assert os.listdir(tmp_path) == ["step_000010"]


def test_discard_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "file").write_text("x")
    files.discard(tmp_path / "folder")
    assert os.listdir(tmp_path) == []


def sealed(folder: Path) -> Path:
    (folder / "deep").mkdir(parents=True)
    (folder / "a").write_bytes(b"aaaa")
    (folder / "deep" / "b").write_bytes(b"bbbb")
    files.seal(folder)
    return folder


def test_a_sealed_folder_is_whole(tmp_path: Path) -> None:
    assert files.broken(sealed(tmp_path / "x")) is None


@given(st.integers(0, 3), st.integers(1, 255), st.booleans())
def test_any_changed_byte_shows(tmp_path_factory: pytest.TempPathFactory, place: int, change: int, deep: bool) -> None:
    folder = sealed(tmp_path_factory.mktemp("sealed") / "x")
    path = folder / "deep" / "b" if deep else folder / "a"
    content = bytearray(path.read_bytes())
    content[place] ^= change
    path.write_bytes(bytes(content))
    assert files.broken(folder) == f"{path.relative_to(folder)} does not match its checksum"
    assert files.broken(folder, hashes=False) is None


def test_missing_added_and_cut_files_show(tmp_path: Path) -> None:
    folder = sealed(tmp_path / "x")
    (folder / "c").write_text("")
    assert files.broken(folder) == "c is not in its manifest"
    (folder / "c").unlink()
    (folder / "a").write_bytes(b"aaa")
    assert files.broken(folder, hashes=False) == "a is cut short or too long"
    (folder / "a").unlink()
    assert files.broken(folder) == "a is missing"


@pytest.mark.parametrize("manifest", ["", "[]", '{"a": 1}', "null", '{"a": {}, "deep/b": {}}'])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, manifest: str) -> None:
    folder = sealed(tmp_path / "x")
    (folder / files.MANIFEST).write_text(manifest)
    assert files.broken(folder) is not None
