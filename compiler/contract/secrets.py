"""Secrets by their names and by their looks: environment variables, flags and words whose values belong in no file.

A name is taken apart at its underscores and dashes. `HF_TOKEN`, `OPENAI_API_KEY`, `PGPASSWORD` and `AWS_SECRET_ACCESS_KEY`
hold secrets, `TOKENIZERS_PARALLELISM` and `HF_TOKEN_PATH` do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

_WORD = re.compile(r"((^|API|ACCESS|SECRET|PRIVATE|AUTH|SSH)KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|^CRED)S?$")
_PASS = re.compile(r"_PWD$|(^|_)(DB|DATABASE|MYSQL|PG|POSTGRES|REDIS|SMTP|MAIL|FTP|HTTP|USER|ROOT|ADMIN|SSH)_?PASS$")
_FLAG = re.compile(r"(^|_)(SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)($|_)|"
                   r"(^|_)(API|ACCESS|AUTH|PRIVATE|SESSION|HF|HUB|WANDB|GITHUB|OPENAI)_?(KEY|TOKEN)$")
_HARMLESS = re.compile(r"|[-+]?[0-9._,]+(e[-+]?[0-9]+)?|true|false|yes|no|on|off|none|null|auto|[<\[].*[>\]]|\$.+",
                       re.IGNORECASE)
_ELSEWHERE = re.compile(r"(^|_)(FILE|PATH|DIR|ENV)$")
"""Names of what only says where a secret is."""
_LOOKS = re.compile(r"(?<![A-Za-z0-9])(hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|"
                    r"github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|"
                    r"(AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])|AIza[A-Za-z0-9_-]{30,}|"
                    r"npm_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{20,}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+|"
                    r"[Bb]earer [A-Za-z0-9._~+/-]{16,})|[a-z]://[^/\s:@]*:[^/\s@{$]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----")
"""Tokens as their issuers write them, an address with a password in it, a private key."""
_ASSIGNED = re.compile(r"[-+]*([A-Za-z_][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)


def is_secret_name(name: str) -> bool:
    """Whether an environment variable of this name holds a secret."""
    parts = _parts(name)
    joined = "_".join(parts)
    return (any(map(_WORD.search, parts)) or bool(_PASS.search(joined))) and not _ELSEWHERE.search(joined)


def is_secret_flag(name: str) -> bool:
    """Whether a flag of this name takes a secret; a `pad_token` or `key` does not, since models have those too."""
    joined = "_".join(_parts(name))
    return bool(_FLAG.search(joined)) and not _ELSEWHERE.search(joined)


def is_secret(name: str, value: str) -> bool:
    """Whether a flag with this value hands over a secret: by its name, or because the value looks like one.

    A bare `token` is one of a service unless its value is a symbol such as `<s>`; a bare `key` tells nothing.
    """
    return looks_secret(value) or not is_harmless(value) and (is_secret_flag(name) or _parts(name) == ["TOKEN"])


def is_harmless(value: str) -> bool:
    """Whether a value can be no secret whatever its name: a number, a yes or no, a symbol like `<s>`, a variable, nothing."""
    return bool(_HARMLESS.fullmatch(value.strip()))


def looks_secret(value: str) -> bool:
    """Whether a value looks like a secret, whatever its name."""
    return bool(_LOOKS.search(value))


def secrets_among(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The words of a command line that hold a secret: index, and the name under which it goes (or "" where it has none).

    Read are `--name=value`, `--name value`, `NAME=value`, and the same inside of a word that holds a command of its own.
    """
    pieces = [(index, piece.strip("\"'")) for index, word in enumerate(words) for piece in word.split()]
    told: set[int] = set()
    for (index, piece), (after, value) in zip_longest(pieces, pieces[1:], fillvalue=(len(words), "")):
        place, name = _secret_at(index, piece, after, value)
        if name is not None and place not in told:
            told.add(place)
            yield place, name


def _secret_at(index: int, piece: str, after: int, value: str) -> tuple[int, str | None]:
    """Where a piece, or the one after it, holds a secret, and under which name."""
    if assigned := _ASSIGNED.fullmatch(piece):
        name, given = assigned[1], assigned[2].strip("\"'")
        variable = name.isupper() and not piece.startswith("-") and is_secret_name(name) and not is_harmless(given)
        return index, name if variable or is_secret(name, given) else None
    if piece.startswith("-") and not value.startswith("-") and not _ASSIGNED.fullmatch(value):
        name = piece.lstrip("-")
        if not is_harmless(value) and is_secret(name, value):
            return after, name
    return index, "" if looks_secret(piece) else None


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[^A-Z0-9]+", name.upper()) if part]
