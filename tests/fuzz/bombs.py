"""Specs that are made to take all time or memory there is: files below the size limit, by what they blow up."""

from __future__ import annotations

from pathlib import Path

BASE = (Path(__file__).parents[2] / "specs" / "d4_baseline.yaml").read_text(encoding="utf-8")
MOST = 19_000  # as many values as may nearly be


def _titled(text: str) -> str:
    return BASE.replace("Depth-4 baseline", f"'{text}'")


BOMBS: dict[str, str] = {
    "aliases that double": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)),
    "aliases of one long list": "a: &a [" + "x, " * 20_000 + "x]\nb: [" + "*a, " * 20_000 + "*a]\n",
    "an anchor in itself": "a: &a {b: &b [*a, *b]}\n",
    "as many anchors as fit": "".join(f"k{n}: &a{n} x\n" for n in range(50_000)),
    "as many keys as fit": "".join(f"k{n}: 1\n" for n in range(90_000)),
    "as many keys as values may be": BASE + "".join(f"k{n}: 1\n" for n in range(MOST)),
    "as many misspelt keys": BASE + "".join(f"mod{n % 7}el{n}: 1\n" for n in range(MOST)),
    "one key many times": BASE + "steps: 1\n" * 60_000,
    "keys in one line": BASE + "notes: {" + ", ".join(f"k{n}: 1" for n in range(MOST)) + "}\n",
    "items of a wrong type": BASE + "notes: [" + "1, " * MOST + "1]\n",
    "many notes about nothing": BASE + "notes: [" + "{about: modle, text: x}, " * (MOST // 3) + "]\n",
    "many suites": BASE + "eval: {suites: {" + ", ".join(f"s{n}: {{weight: 1}}" for n in range(MOST // 2)) + "}}\n",
    "many expectations": BASE.replace("expect:\n", "expect:\n" + "  - {metric: valid_los, below: 1}\n" * (MOST // 3), 1),
    "many profiles": BASE.replace("profiles:\n", "profiles:\n" + "".join(f"  p{n}: {{steps: 50}}\n" for n in range(MOST // 2))),
    "many bases": "extends: [" + "shared/alphatex.yaml, " * MOST + "]\n",
    "many missing bases": "extends: [" + "".join(f"m{n}.yaml, " for n in range(MOST)) + "]\n",
    "many missing experiments": BASE + "eval: {compare: [" + "{spec: m.yaml, step: 1}, " * (MOST // 3) + "]}\n",
    "brackets": "[" * 900_000,
    "brackets and braces": "a: " + "[{a: " * 150_000,
    "blocks in blocks": "- " * 400_000,
    "keys in keys": "".join(" " * n + "a:\n" for n in range(1300)),
    "question marks": "? " * 400_000,
    "a deep value": BASE + "notes: " + "[" * 100 + "]" * 100 + "\n",
    "python objects": "a: !!python/object/apply:os.system [touch canary]\nb: !!python/name:os.system\n" * 10_000,
    "many tags": "a: [" + "!x y, " * 100_000 + "]\n",
    "a whole number of a million digits": BASE + "seed: " + "9" * 900_000 + "\n",
    "a fraction of a million digits": BASE + "seed: 0." + "9" * 900_000 + "\n",
    "a hexadecimal number of a million digits": BASE + "seed: 0x" + "f" * 900_000 + "\n",
    "an exponent of a million digits": BASE + "seed: 1e" + "9" * 900_000 + "\n",
    "a count of a million digits": BASE + "batch: {total_tokens: '" + "9" * 900_000 + "k'}\n",
    "a size of a million digits": BASE + "hardware: {memory_budget: '" + "9" * 900_000 + "GB'}\n",
    "a size of 400 digits": BASE + "hardware: {memory_budget: '" + "9" * 400 + "GB'}\n",
    "a share of a million digits": BASE + "schedule: {warmdown_ratio: '" + "9" * 900_000 + "%'}\n",
    "a date of a million digits": BASE + "date: '" + "9" * 900_000 + "'\n",
    "a bound of a million digits": BASE.replace("below: 9.01", "below: '" + "9" * 900_000 + "'"),
    "a count of separators": BASE + "batch: {total_tokens: '1" + "_," * 400_000 + "x'}\n",
    "a text of a megabyte": _titled("x" * 900_000),
    "a line of a megabyte": "{" + "a, " * 300_000 + "}\n",
    "a comment of a megabyte": "#" * 990_000,
    "a megabyte of line breaks": "\n" * 990_000,
    "a megabyte of line breaks and mistakes": ("\n" * 40_000 + "a: 'x\nb: ]\n") * 20,
    "mistakes in every line": "a: ]\n" * 150_000,
    "tabs": "a:\n\tb: 1\n" * 90_000,
    "quotes": "'" * 900_000,
    "escapes": 'a: "' + "\\x41" * 220_000 + '"\n',
    "invisible characters": "a: " + "\u200b" * 300_000,
    "references in one text": _titled("${steps}" * 100_000),
    "references to nothing in one text": _titled("${x}" * 200_000),
    "open references": _titled("${" * 400_000),
    "escaped references": _titled("$${" * 300_000),
    "references that double": BASE + "".join(f"k{n}: '${{k{n + 1}}}${{k{n + 1}}}'\n" for n in range(60)) + "k60: xx\n",
    "a chain of references": BASE + "".join(f"k{n}: ${{k{n + 1}}}\n" for n in range(MOST)),
    "a circle of references": BASE + "".join(f"k{n}: ${{k{(n + 1) % MOST}}}\n" for n in range(MOST)),
    "many references to a long text": BASE + f"long: {'x' * 60_000}\nnotes: [" + "'${long}!', " * MOST + "]\n",
    "a reference with a long name": _titled("${" + "a." * 400_000 + "}"),
    "a folder that is deep": BASE.replace("shared/alphatex.yaml", "a/" * 200_000),
    "a file name that is long": BASE.replace("shared/alphatex.yaml", "a" * 900_000),
    "a parent with a long name": BASE + "resume: {step: 1, from: '" + "a" * 900_000 + "'}\n",
}
