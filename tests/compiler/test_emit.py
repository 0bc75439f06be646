"""Build output on disk: whole files, a manifest that tells what is stale, nothing left over."""

from __future__ import annotations

from pathlib import Path

import pytest

from expc.compiler import emit
from expc.compiler.contract import files, manifest


def entry(texts: dict[str, str]) -> dict[str, object]:
    outputs = {name: emit.digest(text) for name, text in texts.items()}
    return {"spec": "specs/a.yaml", "profile": None, "overrides": [], "outputs": outputs}


def build(folder: Path, texts: dict[str, str]) -> list[str]:
    return emit.write_build(folder, {"run": entry(texts)}, texts)


def recorded(folder: Path) -> dict[str, str]:
    return manifest.read(folder)["run"]["outputs"]


def test_a_second_build_changes_nothing(tmp_path: Path) -> None:
    texts = {"a.sh": "echo\n", "run/snapshot.json": "{}\n"}
    assert sorted(build(tmp_path, texts)) == sorted(texts)
    assert build(tmp_path, texts) == []
    assert emit.stale(tmp_path, texts, recorded(tmp_path)) == []


def test_launchers_can_be_executed(tmp_path: Path) -> None:
    build(tmp_path, {"a.sh": "echo\n", "b.md": "text\n"})
    assert (tmp_path / "a.sh").stat().st_mode & 0o111 == 0o111
    assert (tmp_path / "b.md").stat().st_mode & 0o111 == 0


def test_each_kind_of_staleness_is_told(tmp_path: Path) -> None:
    build(tmp_path, {name: name for name in ("hand", "old", "gone", "left", "fine")})
    (tmp_path / "hand").write_text("edited")
    (tmp_path / "gone").unlink()
    wanted = {"hand": "hand", "old": "newer", "gone": "gone", "fine": "fine"}
    found = {one.file: one.why for one in emit.stale(tmp_path, wanted, recorded(tmp_path))}
    assert found == {"hand": "changed by hand", "old": "out of date", "gone": "missing", "left": "orphaned"}


def test_what_a_build_no_longer_writes_is_deleted(tmp_path: Path) -> None:
    build(tmp_path, {"train_a.sh": "a", "keep": "k"})
    assert build(tmp_path, {"train_b.sh": "b", "keep": "k"}) == ["train_b.sh", "train_a.sh"]
    assert not (tmp_path / "train_a.sh").exists()


def test_another_experiments_files_stay(tmp_path: Path) -> None:
    emit.write_build(tmp_path, {"one": entry({"a": "a"})}, {"a": "a"})
    emit.write_build(tmp_path, {"two": entry({"b": "b"})}, {"b": "b"})
    assert (tmp_path / "a").read_text() == "a"
    assert set(manifest.read(tmp_path)) == {"one", "two"}


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, {"a": "old"})

    def full_disk(source: str, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        build(tmp_path, {"a": "new"})
    assert (tmp_path / "a").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", manifest.NAME]


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"format": "expc.manifest/9", "runs": {}}'])
def test_an_unreadable_manifest_counts_as_none(text: str, tmp_path: Path) -> None:
    (tmp_path / manifest.NAME).write_text(text)
    assert manifest.read(tmp_path) == {}
