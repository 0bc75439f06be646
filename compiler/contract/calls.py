"""How templates call functions. In: what a template names, with its arguments. Out: what it returns.

Jinja2 asks of whatever is called whether it wants to be given the template's context, which takes longer than our functions
do; of those that templates are given, only Jinja2's own macros do.
"""

from __future__ import annotations

from typing import Any

from jinja2.runtime import Context, Macro


class Direct(Context):
    """A template's names; what is no macro is called without questions."""

    def call(self, called: Any, /, *args: Any, **named: Any) -> Any:
        """Calls it. The two names that are left out are what Jinja2 hands on to callables which take a context."""
        if isinstance(called, Macro):
            return super().call(called, *args, **named)
        named.pop("_loop_vars", None)
        named.pop("_block_vars", None)
        return called(*args, **named)
