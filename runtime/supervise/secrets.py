"""Secrets of the environment: which variables hold one, and text without them."""

from __future__ import annotations

from collections.abc import Mapping

from expc.compiler.contract.secrets import is_secret_name

SHORTEST = 6
"""A shorter value would also be found in innocent text."""


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """The text with every secret value of the environment replaced by its name."""
    secrets = {value: name for name, value in environment.items() if is_secret_name(name) and len(value) >= SHORTEST}
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, f"<{secrets[value]}>")
    return text
