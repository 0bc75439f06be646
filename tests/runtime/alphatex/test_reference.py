"""The checker against the reference parser, alphaTab: its own verdicts, and with them what it lets pass but can count.

Needs node and the packages of `tests/alphatab` (`npm ci --prefix tests/alphatab`); all texts go to one node process.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from expc.runtime.alphatex import STRICTER, check, generate_piece, tunes
from tests.runtime.alphatex.cases import BAD, GOOD

JUDGE = Path(__file__).parents[2] / "alphatab" / "judge.js"
INSTALLED = shutil.which("node") is not None and (JUDGE.parent / "node_modules").is_dir()
pytestmark = pytest.mark.skipif(not INSTALLED, reason="needs node and: npm ci --prefix tests/alphatab")

PIECES = [generate_piece(11, index) for index in range(200)]
MUTANTS_A_PIECE = 6
# Wrong for us and right for alphaTab, which skips dots between bars, lets a comment run to the end, drops empty bars
# there, and takes bare numbers for drums.
LET_PASS = {"stray_dot", "comment_open", "bar_empty", "numbers_without_strings"}


def judge(texts: list[str]) -> list[dict[str, Any]]:
    run = subprocess.run(
        ["node", str(JUDGE)], input=json.dumps(texts), capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def wrong(verdict: dict[str, Any]) -> str | None:
    """Why a text is wrong by alphaTab's errors, or by what it read; None when it is right."""
    if verdict["errors"]:
        return verdict["errors"][0]
    counted = {
        "no notes": verdict["notes"] == 0,
        "fret off the neck": not all(0 <= fret <= 24 for fret in verdict["frets"]),
        "tempo": not all(1 <= tempo <= 999 for tempo in verdict["tempos"]),
        "two notes on a string": verdict["stringTwice"],
        "bar length": any(abs(ticks - wanted) > 8 for ticks, wanted in verdict["bars"]),
    }
    return next((reason for reason, found in counted.items() if found), None)


def test_pieces_and_tunes_are_right():
    texts = PIECES + [tune.text for tune in tunes()]
    reasons = [(wrong(verdict), text) for text, verdict in zip(texts, judge(texts), strict=True)]
    assert [(reason, text) for reason, text in reasons if reason] == []


def test_all_tracks_and_bars_of_pieces_are_read():
    for piece, verdict in zip(PIECES, judge(PIECES), strict=True):
        assert verdict["tracks"] == piece.count("\\track")
        assert len(verdict["bars"]) == piece.count("|")


def test_the_small_cases():
    names = [*GOOD, *BAD]
    verdicts = dict(zip(names, judge([*GOOD.values(), *(case[0] for case in BAD.values())]), strict=True))
    assert {name: wrong(verdicts[name]) for name in GOOD} == dict.fromkeys(GOOD)
    assert {name for name in BAD if wrong(verdicts[name]) is None} == LET_PASS


def mutants() -> list[str]:
    """Broken pieces: a character gone, another one put in, tokens swapped, doubled or dropped, numbers changed."""
    source = random.Random(5)
    return [mutate(source, piece) for piece in PIECES for _ in range(MUTANTS_A_PIECE)]


_TOKEN = re.compile(r'\\\w+|"[^"]*"|[\w#]+|\s+|.')


def mutate(source: random.Random, piece: str) -> str:
    kind = source.choice(["drop", "insert", "swap", "delete", "double", "number", "cut", "effect", "mark"])
    place = source.randrange(1, len(piece))
    if kind == "drop":
        return piece[:place] + piece[place + 1 :]
    if kind == "insert":
        return piece[:place] + source.choice("0123456789.|:(){}*\\\"-rxthv /'#") + piece[place:]
    if kind == "cut":
        return piece[:place]
    if kind == "effect":  # 5.2{t}.4, which is right, becomes 5.2.4{t}, which is not
        return re.sub(r"(\{[^}]*\})(\.\d+)", r"\2\1", piece, count=1)
    return mutate_tokens(source, kind, _TOKEN.findall(piece))


def mutate_tokens(source: random.Random, kind: str, tokens: list[str]) -> str:
    place, other = source.randrange(len(tokens)), source.randrange(len(tokens))
    if kind == "swap":
        tokens[place], tokens[other] = tokens[other], tokens[place]
    elif kind == "delete":
        del tokens[place]
    elif kind == "double":
        tokens.insert(place, tokens[other])
    elif kind == "number":
        numbers = [index for index, token in enumerate(tokens) if token.isdigit()]
        tokens[source.choice(numbers)] = source.choice(["0", "3", "5", "7", "8", "16", "25", "-1", "99", "4"])
    else:
        marks = [index for index, token in enumerate(tokens) if token in ".|:(){}"]
        tokens[source.choice(marks)] = source.choice(".|:(){}*")
    return "".join(tokens)


def test_mutants():
    """1,200 mutants, about a fifth of them still right: the verdicts agree on 99 of 100, and where they do not, this
    checker is the stricter one and says so by a code in STRICTER, but for one in 400 each way.
    """
    texts = mutants()
    agreed, laxer, stricter = 0, Counter[str](), Counter[str]()
    for text, verdict in zip(texts, judge(texts), strict=True):
        ours, reason = {problem.code for problem in check(text)}, wrong(verdict)
        if bool(ours) == (reason is not None):
            agreed += 1
        elif reason is not None:
            laxer[reason] += 1
        elif not ours <= STRICTER:
            stricter[", ".join(sorted(ours))] += 1
    few = len(texts) // 400
    assert agreed / len(texts) >= 0.99, (agreed, laxer, stricter)
    assert laxer.total() <= few, laxer
    assert stricter.total() <= few, stricter


def test_mutants_are_a_fair_sample():
    share_right = sum(not check(text) for text in mutants()) / (len(PIECES) * MUTANTS_A_PIECE)
    assert 0.1 < share_right < 0.5
