"""E1xx: keys, types and values that the vocabulary of specs does not have."""

from __future__ import annotations

from .entry import Code, entry

SHAPE: tuple[Code, ...] = (
    entry(
        "E101",
        "a value of another type",
        """The value is, say, text where a number is needed. Quotes make text of a number; yes, no, on and off
        are text in YAML 1.2, and so is 20_000.""",
        'model: {family: gpt, dim: "256"}',
        "model: {family: gpt, dim: 256}",
    ),
    entry(
        "E102",
        "unknown key",
        """Nothing unknown is accepted in silence, since a misspelt key would leave a default in force for
        hours. The help names the key that was probably meant, or the section that it belongs under, or all
        that are known here.""",
        "optimizer:\n  matrx_lr: 0.016",
        "optimizer:\n  matrix_lr: 0.016",
    ),
    entry(
        "E103",
        "a key is missing",
        """A section lacks a key that it cannot do without, after its bases, the profile and overrides have
        been taken into account. A null in an upper file removes what a base set; the note then says
        where.""",
        "extends: parent.yaml\nname: d8\nmodel: {family: null}",
        "extends: parent.yaml\nname: d8",
    ),
    entry(
        "E104",
        "not one of the options",
        "Only a fixed set of words can stand here; the help names the nearest one.",
        "launch:\n  targets: [bsh]",
        "launch:\n  targets: [bash]",
    ),
    entry(
        "E105",
        "out of range",
        "The number is too large, too small, or no multiple of what it must be.",
        "hardware:\n  count: 0",
        "hardware:\n  count: 4",
    ),
    entry(
        "E106",
        "text of another form",
        "The text must follow a pattern: a name, a quantity with its unit, a date. It cannot be empty.",
        "hardware:\n  memory_budget: 6 gigs",
        "hardware:\n  memory_budget: 6GB",
    ),
    entry(
        "E107",
        "too many, too few, or twice the same",
        "The list or mapping must hold another number of entries, or each of them once.",
        "launch:\n  targets: [bash, bash]",
        "launch:\n  targets: [bash, tmux]",
    ),
    entry(
        "E108",
        "a key of another form",
        "The keys of this mapping are names of the user's or of a fixed set, and this is none of them.",
        "model: {family: gpt}\neval:\n  suites:\n    Structure: {weight: 40%}",
        "model: {family: gpt}\neval:\n  suites:\n    structure: {weight: 40%}",
    ),
    entry(
        "E109",
        "cannot stand here",
        "A rule between several keys forbids this one (a family has no use for it, say), or its possible forms cannot be told "
        "apart.",
        "model: {family: glyph_vae}\neval: {suites: {}}",
        "model: {family: glyph_vae}\neval: {}",
    ),
)
