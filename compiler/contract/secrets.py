"""Names under which secrets go: environment variables and flags whose values belong in no file.

A name is taken apart at its underscores and dashes. `HF_TOKEN`, `OPENAI_API_KEY`, `PGPASSWORD` and `AWS_SECRET_ACCESS_KEY`
hold secrets, `TOKENIZERS_PARALLELISM` does not.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"(TOKEN|KEY|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)S?$")
_FLAG = re.compile(r"(^|_)(SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)($|_)|"
                   r"(^|_)(API|ACCESS|AUTH|PRIVATE|SESSION|HF|HUB|WANDB|GITHUB|OPENAI)_?(KEY|TOKEN)$")
_HARMLESS = re.compile(r"|[-+]?[0-9.]+|true|false|yes|no|on|off", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether an environment variable of this name holds a secret."""
    return any(_WORD.search(part) for part in _parts(name))


def is_secret_flag(name: str) -> bool:
    """Whether a flag of this name takes a secret; a bare `pad_token` or `key` does not, since models have those too."""
    return bool(_FLAG.search("_".join(_parts(name))))


def is_harmless(value: str) -> bool:
    """Whether a value can be no secret whatever its name: a number, a yes or no, nothing."""
    return bool(_HARMLESS.fullmatch(value.strip()))


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[^A-Z0-9]+", name.upper()) if part]
