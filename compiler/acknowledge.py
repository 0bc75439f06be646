"""Warnings that their author lets stand: diagnostics in; those that still speak, and those acknowledged, with the reason.

An acknowledgement names a code and, if it should hold for one place only, a key or section that the warning is about. A
list, like every list, replaces the inherited one; an inherited list that matches nothing is no mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .contract.promises import Text
from .contract.record import dataclass
from .contract.rendering import Words
from .diagnostics import Diagnostic, Severity, nearest, ordered, quote
from .frontend.resolve import Resolved
from .handbook import HANDBOOK
from .lowering.lower import text


@dataclass(frozen=True)
class Acknowledged:
    """A warning, and why it may stand."""

    warning: Diagnostic
    reason: Text


def acknowledge(resolved: Resolved, found: Iterable[Diagnostic]) -> tuple[list[Diagnostic], list[Acknowledged]]:
    """The diagnostics without acknowledged warnings, and these; acknowledgements of nothing are diagnostics themselves."""
    standing, taken = list(found), list[Acknowledged]()
    more: list[Diagnostic] = []
    for index, said in enumerate(resolved.value("acknowledge") or ()):
        key, code, at = f"acknowledge.{index}", said["code"], said.get("at")
        if code not in HANDBOOK or not code.startswith("W"):
            more.append(_unknown(resolved, f"{key}.code", code))
            continue
        reason = text(said["reason"])
        if not reason or not all(map(str.strip, reason.values())):
            more.append(resolved.diagnostic("E387", f"nothing says why {code} may stand", f"{key}.reason",
                                            "write the reason: the documents show it"))
        matching = [one for one in standing if one.severity is Severity.WARNING and one.code == code and _is_at(one, at)]
        taken += [Acknowledged(one, reason) for one in matching]
        if not matching and resolved.states("acknowledge"):
            more.append(_unused(resolved, key, code, at, standing))
        standing = [one for one in standing if one not in matching]
    return standing + more, taken


def _is_at(warning: Diagnostic, at: str | None) -> bool:
    return at is None or any(key == at or key.startswith(f"{at}.") for key in warning.keys)


def _unknown(resolved: Resolved, key: str, code: str) -> Diagnostic:
    if code in HANDBOOK:
        return resolved.diagnostic("E386", f"{code} is an error, which cannot be acknowledged", key)
    near = nearest(code, (one for one in HANDBOOK if one.startswith("W")))
    return resolved.diagnostic("E386", f"there is no warning {quote(code)}", key, f'did you mean "{near}"?' if near else None)


def _unused(resolved: Resolved, key: str, code: str, at: str | None, standing: list[Diagnostic]) -> Diagnostic:
    figures = {"code": code, "at": at or str(resolved.spec.display)}
    places = [one.keys[0] for one in standing if one.code == code and one.keys]
    found = resolved.diagnostic("W391", Words("en")("warning.W391", **figures), key,
                                f"{code} stands at {', '.join(places)}" if places else "delete the acknowledgement")
    return replace(found, figures=figures)


def told(acknowledged: Iterable[Acknowledged]) -> str:
    """How many warnings are acknowledged, to be appended to a line; nothing for none."""
    count = len(ordered(one.warning for one in acknowledged))
    return f", {count} warning{'s' * (count > 1)} acknowledged" if count else ""
