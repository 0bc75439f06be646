"""The command line itself: help, wrong words, a wrong place."""

from __future__ import annotations

from pathlib import Path

from tests.compiler.commands.shell import expc


def test_help_teaches(tmp_path: Path) -> None:
    shown = expc(tmp_path, "--help")
    assert shown.returncode == 0
    for word in ("check", "build", "plan", "explain", "schema", "run", "status", "specs/d8_v2.yaml"):
        assert word in shown.stdout


def test_a_wrong_command_is_answered_with_the_right_one(tmp_path: Path) -> None:
    wrong = expc(tmp_path, "biuld")
    assert wrong.returncode == 64
    assert 'Did you mean "build"?' in wrong.stderr
    assert expc(tmp_path, "build", "--profil", "smoke").returncode == 64


def test_outside_a_workspace_it_says_so(tmp_path: Path) -> None:
    outside = expc(tmp_path, "build")
    assert outside.returncode == 64
    assert "specs/" in outside.stderr
