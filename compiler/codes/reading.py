"""E0xx, W0xx: a file cannot be read, or is not the YAML that it should be."""

from __future__ import annotations

from .entry import Code, Example, entry

NESTED = "[" * 60 + "]" * 60

READING: tuple[Code, ...] = (
    entry(
        "E001",
        "the spec cannot be read",
        """There is no file at the path that was given, or it is a folder, is not readable by you, or is
        larger than a megabyte. If a file of a similar name lies beside it, the help names it.""",
        Example("name: d8_depth", asked="sepc.yaml"),
        Example("name: d8_depth"),
    ),
    entry(
        "E002",
        "the file is not UTF-8",
        """Specs are UTF-8 on every machine. An editor can save the file so ("encoding: UTF-8"), or
        iconv -f GB18030 -t UTF-8 old.yaml > new.yaml for one in GB18030.""",
        "title: caf\udce9",
        "title: café",
    ),
    entry(
        "W003",
        "the file begins with a byte order mark",
        """Some editors put three invisible bytes before UTF-8. They are ignored here, but other tools trip
        over them.""",
        "\ufeffname: d8_depth",
        "name: d8_depth",
    ),
    entry(
        "E004",
        "an invisible character",
        """Control characters and Unicode's line separators come from copying out of documents and terminals.
        YAML either forbids them or takes them for line breaks that no editor shows.""",
        "name: d8\u2028depth",
        "name: d8_depth",
    ),
    entry(
        "E005",
        "the file is empty",
        "It holds nothing, or comments only.",
        "# to be written",
        "name: d8_depth",
    ),
    entry(
        "E006",
        "a spec must be a mapping",
        """A spec is a mapping of section names to their contents. A list or a single text at the top level is
        not.""",
        "- name: d8_depth",
        "name: d8_depth",
    ),
    entry(
        "E010",
        "a tab cannot indent",
        "YAML indents with spaces only, since nobody can tell how wide a tab is.",
        "model:\n\tdim: 256",
        "model:\n  dim: 256",
    ),
    entry(
        "E011",
        "the indentation does not fit",
        """All keys of one mapping, and all items of one list, begin in the same column. What belongs to a key
        stands deeper than the key.""",
        "model:\n  dim: 256\n heads: 4",
        "model:\n  dim: 256\n  heads: 4",
    ),
    entry(
        "E012",
        "a quote or bracket does not close",
        """A quote ends with the same quote, and what follows it must be the end of the line or a comma.
        Inside single quotes, write '' for an apostrophe; inside double quotes, write a backslash twice.""",
        "launch:\n  targets: [bash, tmux\nsteps: 5000",
        "launch:\n  targets: [bash, tmux]\nsteps: 5000",
    ),
    entry(
        "E013",
        "a value that needs quotes, or is missing",
        """Text that begins with one of @ ` % & * ! | > [ ] { } , or that holds a colon and a space, has a
        meaning of its own in YAML. In quotes it is only text.""",
        "goal: resumed: the parent was at 5000",
        'goal: "resumed: the parent was at 5000"',
    ),
    entry(
        "E014",
        "neither a key with a value nor a list item",
        "Every line of a mapping is key: value, with a space after the colon.",
        "name: d8_depth\nsteps 5000\nseed: 1",
        "name: d8_depth\nsteps: 5000\nseed: 1",
    ),
    entry(
        "E019",
        "not valid YAML",
        "Something else that YAML does not allow; the message says what the parser saw.",
        "%TITLE d8\n---\nname: d8_depth",
        "name: d8_depth",
    ),
    entry(
        "E020",
        "a key stands twice",
        """YAML tools silently take one of the two. Here neither is taken on trust: keep the one that is
        meant.""",
        "steps: 5000\nseed: 1\nsteps: 20000",
        "steps: 20000\nseed: 1",
    ),
    entry(
        "E021",
        "a merge key",
        """The key << belongs to YAML 1.1 and was dropped. Take shared settings from another file with
        extends, where expc explain can say what came from where.""",
        "batch: &small {rows: 4}\noptimizer:\n  <<: *small",
        "extends: parent.yaml\noptimizer:\n  matrix_lr: 0.01",
    ),
    entry(
        "E022",
        "an unknown tag",
        """Tags (!include, !!python/…) make other YAML tools run code or read files. A spec has none but the
        plain types, such as !!str.""",
        "goal: !include goal.md",
        'goal: "!include goal.md"',
    ),
    entry(
        "E023",
        "an alias that leads nowhere",
        "An alias (*name) repeats a value marked with &name before it, and outside of that value itself.",
        "goal: *reasons",
        'goal: "*reasons"',
    ),
    entry(
        "E024",
        "beyond the limits of a spec",
        """At most 50 levels, and 20,000 values with every alias counted in full, so that a few lines cannot
        fill the memory of the machine. Of more than 500 mistakes in one file, the first are said.""",
        f"phases: {NESTED}",
        "phases: [{to: 100, rate: 50%}]",
    ),
    entry(
        "E025",
        "a second document",
        "A line of --- begins another YAML document. One file is one spec.",
        "name: d8_depth\n---\nname: d6_wide",
        "name: d8_depth",
    ),
    entry(
        "E026",
        "a key must be a word",
        "A list, a mapping, an alias or nothing at all cannot be a key.",
        "[rows, accumulation]: 4",
        "batch: {rows: 4, accumulation: 4}",
    ),
    entry(
        "E027",
        "a number that cannot be stored",
        """A snapshot is JSON that every machine reads alike: no infinities, no .nan, no integers beyond 64
        bits.""",
        "optimizer:\n  matrix_lr: .inf",
        "optimizer:\n  matrix_lr: 1e3",
    ),
)
