"""Data are made once, whole, shared by what needs the same, and made again when they are damaged."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from expc.runtime.errors import UserError
from expc.runtime.prepare import prepare
from tests.runtime import toy_family


def test_made_once_and_shared(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = toy_family.experiment(toy_family.training())
    second = toy_family.experiment(toy_family.with_model(toy_family.training(seed=5), width=16), "other")
    made, there = prepare(first, toy), prepare(second, toy)
    assert made == there and capsys.readouterr().err.count("prepared 64 rows") == 1


@pytest.mark.parametrize("damage", ["rows.pt", "fingerprint.json", "manifest.json"])
def test_damaged_data_are_made_again(toy: Path, capsys: pytest.CaptureFixture[str], damage: str) -> None:
    made = toy_family.experiment(toy_family.training())
    folder, fingerprint = prepare(made, toy)
    whole = (folder / "rows.pt").read_bytes()
    (folder / damage).write_bytes(b"{")
    assert prepare(made, toy) == (folder, fingerprint)
    assert (folder / "rows.pt").read_bytes() == whole
    assert "has to be made again:" in capsys.readouterr().err


def test_a_failure_leaves_nothing(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(training: object, workspace: Path, folder: Path, say: object) -> dict[str, object]:
        (folder / "rows.pt").write_bytes(b"half")
        raise UserError("the folder of your files is empty")

    made = toy_family.experiment(toy_family.training())
    with monkeypatch.context() as patched:
        patched.setattr(toy_family, "prepare", fails)
        with pytest.raises(UserError, match="is empty"):
            prepare(made, toy)
    assert [path.suffix for path in (toy / "runs" / ".data").iterdir()] == [".lock"]
    assert prepare(made, toy)[1]["tokenizer_sha256"] == "f" * 64


def test_two_at_once_make_it_once(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, calls, real = toy_family.experiment(toy_family.training()), [], toy_family.prepare
    together = threading.Barrier(2)

    def counted(*arguments: object) -> dict[str, object]:
        calls.append(1)
        return real(*arguments)  # type: ignore[arg-type]

    def one() -> None:
        together.wait()
        prepare(made, toy)

    monkeypatch.setattr(toy_family, "prepare", counted)
    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
