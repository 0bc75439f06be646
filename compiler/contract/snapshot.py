"""A snapshot's text: the experiment in canonical JSON with its two hashes; reading it back trusts nothing.

`training_sha256` covers what changes training (checkpoints, resume and comparison go by it), `snapshot_sha256` everything.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from . import canonical
from .codec import Malformed, from_plain, to_plain
from .experiment import FORMAT, Experiment
from .training import Training


class BadSnapshot(ValueError):
    """A snapshot that cannot be used; the message says why and what to do."""


def training_sha256(training: Training) -> str:
    """The identity of a training run: SHA-256 over its canonical form."""
    return training.sha256


def dumps(experiment: Experiment) -> str:
    """The canonical text of a snapshot, hashes included."""
    return frozen(experiment)[0]


def frozen(experiment: Experiment) -> tuple[str, str]:
    """The text of a snapshot and the `snapshot_sha256` that it states."""
    body: dict[str, Any] = {
        "format": FORMAT,
        "experiment": to_plain(experiment),
        "training_sha256": training_sha256(experiment.training),
    }
    text = canonical.dumps(body)
    # The hash goes in where its key belongs among the sorted ones: writing all of it a second time takes as long as the first.
    before, last = text.rsplit('  "training_sha256": ', 1)
    stated = hashlib.sha256(text.encode()).hexdigest()
    return f'{before}  "snapshot_sha256": "{stated}",\n  "training_sha256": {last}', stated


def loads(text: str) -> Experiment:
    """The experiment of a snapshot whose format and hashes are right. Raises `BadSnapshot`."""
    try:
        body = json.loads(text)
    except ValueError as error:
        raise BadSnapshot(f"this is no JSON ({error}); build it again with `expc build`") from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        found = body.get("format") if isinstance(body, dict) else None
        raise BadSnapshot(f"its format is {found!r}, this expc reads {FORMAT!r}; build it again with this version")
    stated = body.pop("snapshot_sha256", None)
    if stated != sha256_of(body):
        raise BadSnapshot("its content does not match its hash: it was edited or cut short; run `expc build` again")
    try:
        experiment = from_plain(Experiment, body["experiment"])
    except (Malformed, KeyError) as error:
        raise BadSnapshot(f"{error}; build it again with this version") from error
    if body.get("training_sha256") != training_sha256(experiment.training):
        raise BadSnapshot("its training hash does not match its training section; run `expc build` again")
    return experiment


def sha256_of(body: dict[str, Any]) -> str:
    """The snapshot hash of a body without one; a body with no canonical form has none (empty string)."""
    try:
        return canonical.sha256(body)
    except canonical.NotCanonical:
        return ""


def stated_sha256(text: str) -> str:
    """The `snapshot_sha256` that a snapshot's text states, unverified."""
    return str(json.loads(text)["snapshot_sha256"])
