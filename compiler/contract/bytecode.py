"""Compiled templates, kept as Python keeps its own bytecode: in a template's source, out its code object from the last time.

Compiling fifteen templates takes longer than all else that a build does. The files lie in `templates/__pycache__/`, or
below `sys.pycache_prefix`: whoever can write there can change the program itself, so nothing is trusted that was not
trusted before. A file counts only for the text, the interpreter, the Jinja2 and the filters that it was made with;
one that is damaged, or a folder that cannot be written, costs the time and nothing else.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket


class Bytecode(jinja2.BytecodeCache):
    """The cache of all environments whose templates lie below `folder`."""

    def __init__(self, folder: Path) -> None:
        prefix = sys.pycache_prefix
        self.folder = Path(prefix, *folder.parts[1:]) if prefix else folder / "__pycache__"

    def get_bucket(self, environment: jinja2.Environment, name: str, filename: str | None, source: str) -> Bucket:
        """What is kept of a template; empty where there is nothing that fits."""
        made_of = f"{_dialect(environment)}\n{filename}\n{source}"
        key = f"{name.replace('/', '.')}.{sys.implementation.cache_tag}"
        bucket = Bucket(environment, key, hashlib.sha256(made_of.encode()).hexdigest())
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        """Puts the kept code into the bucket."""
        try:
            bucket.bytecode_from_string((self.folder / bucket.key).read_bytes())
        except Exception:  # missing, not ours to read, or damaged in whatever way: compiled anew
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps the bucket's code, whole or not at all, so that other processes may read at any time."""
        if sys.dont_write_bytecode:
            return
        made = self.folder / f"{bucket.key}.{os.getpid()}"
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                made.write_bytes(bucket.bytecode_to_string())
                made.replace(self.folder / bucket.key)
            finally:
                made.unlink(missing_ok=True)


@functools.cache
def _dialect(environment: jinja2.Environment) -> str:
    """What code depends on besides its template: Jinja2 applies our filters to constants while it compiles."""
    functions = [*environment.filters.values(), environment.finalize]
    own = {code.co_filename for code in (getattr(function, "__code__", None) for function in functions) if code}
    ours = sorted(file for file in own if not file.startswith(os.path.dirname(jinja2.__file__)))
    return "\n".join([jinja2.__version__, *(Path(file).read_text(encoding="utf-8") for file in ours)])
