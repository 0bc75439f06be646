"""E2xx: references between files, profiles, overrides and values that lead nowhere or in a circle."""

from __future__ import annotations

from .entry import Code, Example, entry

BASE = {"base.yaml": "name: base\nsteps: 5000"}
SMOKE = "steps: 5000\nprofiles:\n  smoke:\n    steps: 50"

REFERENCES: tuple[Code, ...] = (
    entry(
        "E201",
        "a base that does not exist",
        """extends names files relative to the file that it stands in. The help names a similar file, or one
        of the same name elsewhere among the specs.""",
        Example("extends: bsae.yaml", BASE),
        Example("extends: base.yaml", BASE),
    ),
    entry(
        "E202",
        "extends goes in a circle",
        "A file cannot stand on itself, directly or through others. The message prints the way around.",
        Example("extends: other.yaml", {"other.yaml": "extends: spec.yaml"}),
        Example("extends: base.yaml", BASE),
    ),
    entry(
        "E203",
        "extends in a form that cannot be followed",
        """extends is one path or a list of paths, relative, inside the workspace, at most 20 files deep: a
        build must come out the same on every machine.""",
        "extends: /home/someone/base.yaml",
        Example("extends: [base.yaml]", BASE),
    ),
    entry(
        "E204",
        "profiles in another form",
        "profiles maps a name to the keys that differ. A profile has no profiles and no extends of its own.",
        "profiles: [smoke]",
        SMOKE,
    ),
    entry(
        "E205",
        "no such profile",
        "Neither the spec nor any of its bases has a profile of that name.",
        Example(SMOKE, profile="smok"),
        Example(SMOKE, profile="smoke"),
    ),
    entry(
        "E206",
        "not an override",
        """--set takes key.path=value, where the value is a YAML scalar, or a list or mapping in brackets.
        Nothing after the = deletes the key. extends and profiles cannot be overridden.""",
        Example("steps: 5000", overrides=("steps",)),
        Example("steps: 5000", overrides=("steps=50",)),
    ),
    entry(
        "E207",
        "an override of an item that is not there",
        "--set phases.1.to=100 changes an item that the list has; it cannot append one.",
        Example("phases: [{to: 100, rate: 50%}]", overrides=("phases.1.to=200",)),
        Example("phases: [{to: 100, rate: 50%}]", overrides=("phases.0.to=200",)),
    ),
    entry(
        "E208",
        "a reference to a key that is not there",
        """${key.path} in a text stands for another value of the spec. For a literal ${ (a shell variable,
        say), write $${.""",
        'model: {family: gpt, dim: 256}\ngoal: "width ${model.dmi}"',
        'model: {family: gpt, dim: 256}\ngoal: "width ${model.dim}, user $${USER}"',
    ),
    entry(
        "E209",
        "references go in a circle",
        "Two or more values refer to one another, so that none of them has a value of its own.",
        'title: "${goal}"\ngoal: "${title}"',
        'title: "depth"\ngoal: "${title}"',
    ),
    entry(
        "E210",
        "a reference that cannot be filled in",
        "A reference names a single value, is closed by }, and cannot let a text grow without end.",
        'model: {family: gpt, dim: 256}\ngoal: "width ${model}"',
        'model: {family: gpt, dim: 256}\ngoal: "width ${model.dim}"',
    ),
)
