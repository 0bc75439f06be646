"""Strings that want something: to be executed, to leave their place, to act on a terminal, to be taken for markup."""

from __future__ import annotations

from hypothesis import strategies as st

CANARY = "canary"  # what an executed one leaves behind
HOSTILE = (
    "",
    f"x'; touch {CANARY}; \"$(touch {CANARY})\" `touch {CANARY}` $$${{HOME}} && touch {CANARY} #",
    f"first\ntouch {CANARY}\r\ntouch {CANARY}\rMESSAGE\n",
    "nul\0nul",
    "\x1b[2J\x1b]0;owned\x07 \x9b31m \x08\x7f",
    "\u202eevil\u202c \u2066isolated\u2069 \u200f\u061c",
    "\u2028line\u2029paragraph\x85next\ufeffmark",
    "<script>alert(1)</script><img src=x onerror=alert(1)><!-- <![CDATA[ &lt;b&gt; <?php",
    "| a | b |\n|---|---|\n| c | d \\| e |",
    "[x](javascript:alert(1)) ![x](http://x/y.png) <http://x> [a]: http://x",
    "``` ` ``x\n```\n# heading\n---\n> quote\n- list\n1. list\n    code",
    "../../../outside", "/etc/passwd", "~root/x", "a/../../b", "file:///etc/passwd", "\\\\host\\share",
    "-rf", "--help", "%s %n {0} {x.__class__} {{ 7*7 }} {% raw %} $((7*7)) !!",
    "\U0001d54f \U0001f3b8 e\u0301 \u200d \U000e0041 \ud83c",
    "long " * 4_000,
)

TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40),
                 st.lists(st.sampled_from(HOSTILE[:-1]), min_size=1, max_size=3).map("".join))
