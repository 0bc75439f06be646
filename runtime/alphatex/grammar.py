"""The words of alphaTex: which tags and effects exist and what arguments each takes.

Arguments are written as one string per alternative, one parameter per word: `n` a number, `f` a number that may have a
decimal point, `s` a word or string, `q` a quoted string, `a` any of them, `<one|two>` one of these words; `n:0-24` a
range, `n=8,16` listed values; `?` after it optional, `*` any count. An empty tuple: no arguments. This covers what
guitar tablature uses; alphaTab knows some more layout tags and properties, which are reported as unknown here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Parameter:
    """One parameter: accepted `kind` (n, f, s, q, a or <), listed `words` or `values`, `low` to `high`."""

    kind: str
    words: frozenset[str] = frozenset()
    values: frozenset[int] = frozenset()
    low: int | None = None
    high: int | None = None
    optional: bool = False
    repeated: bool = False


_PARAMETER = re.compile(r"(?:<(?P<words>[^>]*)>|(?P<kind>[nfsqa]))(?::(?P<low>\d+)-(?P<high>\d+)|=(?P<values>[\d,]+))?"
                        r"(?P<suffix>[?*]?)")

Signature = tuple[tuple[Parameter, ...], ...]


def _parameter(text: str) -> Parameter:
    match = _PARAMETER.fullmatch(text)
    if match is None:
        raise ValueError(f"bad parameter in the grammar table: {text}")
    return Parameter(
        kind=match["kind"] or "<",
        words=frozenset((match["words"] or "").split("|")) - {""},
        values=frozenset(int(value) for value in match["values"].split(",")) if match["values"] else frozenset(),
        low=int(match["low"]) if match["low"] else None,
        high=int(match["high"]) if match["high"] else None,
        optional=match["suffix"] == "?",
        repeated=match["suffix"] == "*",
    )


def _table(flags: str, signatures: Mapping[str, str | tuple[str, ...]]) -> dict[str, Signature]:
    table: dict[str, Signature] = {name: () for name in flags.split()}
    for name, alternatives in signatures.items():
        listed = (alternatives,) if isinstance(alternatives, str) else alternatives
        table[name] = tuple(tuple(_parameter(word) for word in one.split()) for one in listed)
    return table


_STYLED = "s q? <left|center|right>?"
_INSTRUMENT = ("n:0-127", "s")
_BEND = ("<custom|bend|release|bendrelease|hold|prebend|prebendbend|prebendrelease>? <default|gradual|fast>? n n*")
_WHAMMY = "<custom|dive|dip|hold|predive|predivedive>? <default|gradual|fast>? n n*"
_TUPLET = ("n=3,5,6,7,9,10,11,12", "n n")
_OTTAVA = "<15ma|8va|regular|8vb|15mb>"
_MAJOR = "cb gb db ab eb bb f c g d a e b f# c#"
_MINOR = "ab eb bb f c g d a e b f# c# g# d# a#"
_KEYS = "|".join([*_MAJOR.split(), *(f"{key}major" for key in _MAJOR.split()),
                  *(f"{key}minor" for key in _MINOR.split())])
_JUMPS = ("fine|segno|segnosegno|coda|doublecoda|dacapo|dacapoalcoda|dacapoaldoublecoda|dacapoalfine|dalsegno|"
          "dalsegnoalcoda|dalsegnoaldoublecoda|dalsegnoalfine|dacoda|dadoublecoda")
_DYNAMICS = "ppp|pp|p|mp|mf|f|ff|fff|sf|sfp|fp|rf|rfz|sfz|fz|n|pf"
_FEELS = ("none|no|notripletfeel|triplet16th|triplet8th|dotted16th|dotted8th|scottish16th|scottish8th|"
          "t16|t8|d16|d8|s16|s8|triplet-16th|triplet-8th|dotted-16th|dotted-8th|scottish-16th|scottish-8th")

SCORE_TAGS = _table("hidedynamics showdynamics", {
    **{name: _STYLED for name in "title subtitle artist album words music copyright tab".split()},
    "instructions": "s", "notices": "s",
})
STRUCTURE_TAGS = _table("staff voice", {"track": "q? q?"})
STAFF_TAGS = _table("", {
    "tuning": ("<piano|none|voice>", "s s*"), "capo": "n:0-24", "instrument": _INSTRUMENT, "chord": "s a*",
    "lyrics": ("q", "n q"), "transpose": "n", "displaytranspose": "n",
})
BAR_TAGS = _table("ro ac ft db", {
    "ts": ("<common>", "n:1-32 n=1,2,4,8,16,32,64,128"), "ks": f"<{_KEYS}>", "rc": "n", "ae": "n n*",
    "tempo": "f:1-999 q?", "section": ("s", "s s"), "clef": "<neutral|n|c3|alto|c4|tenor|f4|bass|g2|treble>",
    "tf": (f"<{_FEELS}>", "n:0-6"), "jump": f"<{_JUMPS}>", "ottava": _OTTAVA,
    "simile": "<none|simple|firstofdouble|secondofdouble>",
})
TAGS: dict[str, Signature] = SCORE_TAGS | STRUCTURE_TAGS | STAFF_TAGS | BAR_TAGS

TAG_PROPERTIES: dict[str, dict[str, Signature]] = {
    "track": _table("solo mute multibarrest", {"color": "q", "volume": "n", "balance": "n", "bank": "n",
                                               "instrument": _INSTRUMENT}),
    "staff": _table("tabs slash numbered", {"score": "n?"}),
    "tuning": _table("hide", {"label": "q"}),
    "chord": _table("", {"firstfret": "n", "barre": "n n*"}),
}
DURATION_EFFECTS = _table("", {"tu": _TUPLET})
BEAT_EFFECTS = _table(
    "f fo vs v vw s p tt d dd su sd cre dec spd sph spu spe slashed ds glpf glpt waho wahc legatoorigin timer",
    {
        "tu": _TUPLET, "txt": "s", "lyrics": ("q", "n q"), "tb": _WHAMMY, "tbe": _WHAMMY, "ch": "s",
        "bu": "n?", "bd": "n?", "au": "n?", "ad": "n?", "gr": "<onbeat|beforebeat|bendgrace|ob|bb|b>?",
        "dy": f"<{_DYNAMICS}>", "tempo": ("n:1-999 <hide>?", "n:1-999 q <hide>?"), "volume": "n", "balance": "n",
        "bank": "n", "instrument": _INSTRUMENT, "tp": "n=1,2,3,4,5,8,16,32 <default|buzzroll>?",
        "barre": "n <full|half>?", "ot": _OTTAVA, "fermata": "<short|medium|long> f?",
        "beam": "<invert|up|down|auto|split|merge|splitsecondary>",
    },
)
NOTE_EFFECTS = _table(
    "nh v vw sl ss sib sia sou sod psu psd h lht g ac hac ten pm st lr x t - turn iturn umordent lmordent string hide",
    {
        **{name: "n?" for name in "ah th ph sh fh".split()},
        "tr": "n n=16,32,64?", "b": _BEND, "be": _BEND, "lf": "n:1-5", "rf": "n:1-5", "slur": "s",
        "acc": "<default|forcenone|forcenatural|forcesharp|forcedoublesharp|forceflat|forcedoubleflat|"
               "d|-|n|#|##|x|b|bb>",
    },
)
DURATIONS = frozenset({-4, -2, 1, 2, 4, 8, 16, 32, 64, 128, 256})
TUPLET_DENOMINATORS = {3: 2, 5: 4, 6: 4, 7: 4, 9: 8, 10: 8, 11: 8, 12: 8}
