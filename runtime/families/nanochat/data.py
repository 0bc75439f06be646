"""nanochat's data: alphaTex in, Parquet files and a tokenizer out; or a folder that nanochat's own scripts have filled.

nanochat reads Parquet files with a column `text`, holds the last one out, and waits for ever where there is only one. It
packs documents into rows and cuts those that are longer, so long pieces are cut at bar lines first.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.families.gpt import Data as Texts
from expc.compiler.contract.families.nanochat import Config
from expc.compiler.contract.nanochat import revision
from expc.compiler.contract.training import Training

from ... import alphatex
from ...errors import FAILED, MISSING, UserError
from ...files import sha256_of
from ...prepare import prepared
from ...supervise.program import environment
from .. import Say
from ..gpt.data import documents, texts_sha256

FILES = 4
"""Training files that are written; one more is held out. Documents of a row group are read together."""
ROW_GROUP = 256
TOKENIZER = ("tokenizer.pkl", "token_bytes.pt")
Fingerprint = dict[str, Any]


def key(training: Training, workspace: Path) -> Any:
    """Plain values that determine the prepared data: of a ready folder its files' sizes and times."""
    config: Config = training.config
    if config.data.source == "ready":
        files = [*parquets(config, workspace), *(base(config, workspace) / "tokenizer" / name for name in TOKENIZER)]
        stamps = {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.is_file()}
        return {"family": training.family, "stamps": stamps}
    plain = {"family": training.family, "texts": texts_sha256(_texts(config), workspace), "commit": config.checkout.commit}
    return plain | to_plain(config.data)


def _texts(config: Config) -> Texts:
    """Where pieces come from, as the GPT family reads them too."""
    data = config.data
    return Texts("folder" if data.source == "folder" else "synthetic", data.path, data.pieces, data.seed, data.valid_fraction,
                 tunes=False)


def base(config: Config, workspace: Path) -> Path:
    """The folder of a spec with `data.source: ready`."""
    return workspace / str(config.data.path)


def folder_of(config: Config, top: Path) -> Path:
    """Where a revision looks for Parquet files below its base folder; the newer ones fall back on the old name."""
    named = top / revision(config.checkout.date).data_folder
    return named if named.is_dir() else top / "base_data"


def parquets(config: Config, workspace: Path) -> list[Path]:
    """The Parquet files of a ready folder, in the order in which nanochat reads them."""
    return sorted(folder_of(config, base(config, workspace)).glob("*.parquet"))


def problems(config: Config, workspace: Path) -> Iterator[str]:
    """What a ready folder lacks; other sources are the preparation's business."""
    if config.data.source != "ready":
        return
    top, files = base(config, workspace), parquets(config, workspace)
    if not top.is_dir():
        yield f"{top} does not exist; let data.path name the NANOCHAT_BASE_DIR that nanochat's scripts have filled"
        return
    if len(files) < 2:
        yield (f"{folder_of(config, top)} holds {len(files)} Parquet files; nanochat holds the last one out and waits for ever "
               "where none is left to train on: write at least two")
    for path in files:
        if (why := _unreadable(path)) is not None:
            yield f"{path} {why}; nanochat reads the column `text`"
    for name in TOKENIZER:
        if not (top / "tokenizer" / name).is_file():
            yield f"{top / 'tokenizer' / name} does not exist; make the tokenizer: python -m scripts.tok_train in the checkout"
            return
    if why := _vocabulary_differs(config, top):
        yield why


def _unreadable(path: Path) -> str | None:
    parquet = _parquet()
    try:
        return None if "text" in parquet.read_schema(path).names else "has no column `text`"
    except Exception as error:  # pyarrow has errors of its own, and of the system
        return f"is no Parquet file ({str(error).splitlines()[0]})"


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise UserError("nanochat's data are Parquet files: pip install 'expc[nanochat]'", MISSING) from error
    return pyarrow.parquet


def vocabulary(top: Path) -> int:
    """How many tokens the tokenizer of a base folder really has. Raises UserError."""
    path = top / "tokenizer" / "token_bytes.pt"
    try:
        return int(torch.load(path, map_location="cpu", weights_only=True).numel())
    except Exception as error:  # whatever a damaged file makes of unpickling
        raise UserError(f"{path} cannot be read; make the tokenizer again: python -m scripts.tok_train", FAILED) from error


def _vocabulary_differs(config: Config, top: Path) -> str | None:
    found, said = vocabulary(top), config.model.vocabulary
    if found == said:
        return None
    saturated = f", though {config.data.tokenizer:,} were asked for: the text holds no more" if found < said else ""
    return f"the tokenizer has {found:,} tokens{saturated}; state model.vocabulary: {found}, which the model's size follows"


def prepare(training: Training, workspace: Path, folder: Path, say: Say) -> Fingerprint:
    """Writes Parquet files and tokenizer into an empty folder (of a ready one nothing); returns their fingerprint.

    Raises UserError where the checkout cannot make the tokenizer, or it has other tokens than the spec says.
    """
    config: Config = training.config
    if config.data.source == "ready":
        for problem in problems(config, workspace):
            raise UserError(problem, MISSING)
        return _fingerprint(config, base(config, workspace), {})
    train, valid = documents(_texts(config), workspace, say)
    chunks = [[one for piece in half for one in alphatex.chunk_piece(piece, config.data.chunk)] for half in (train, valid)]
    counts = {"pieces": {"train": len(train), "valid": len(valid)},
              "documents": {"train": len(chunks[0]), "valid": len(chunks[1])}}
    say(f"{len(train) + len(valid):,} pieces, cut at bar lines into {len(chunks[0]) + len(chunks[1]):,} documents of at most "
        f"{config.data.chunk:,} characters")
    _write(folder / revision(config.checkout.date).data_folder, *chunks)
    _make_tokenizer(config, workspace, folder, say)
    if why := _vocabulary_differs(config, folder):
        raise UserError(why, FAILED)
    return _fingerprint(config, folder, counts)


def _write(folder: Path, train: Sequence[str], valid: Sequence[str]) -> None:
    """Training files and, last by name, the one that is held out. Raises UserError where there is too little."""
    import pyarrow

    parquet = _parquet()
    files = min(FILES, len(train))
    if not files or not valid:
        raise UserError("there are too few documents to train on and hold out; bring more pieces")
    folder.mkdir(parents=True)
    for index, texts in enumerate([*(train[start::files] for start in range(files)), valid]):
        table = pyarrow.table({"text": list(texts)})
        parquet.write_table(table, folder / f"shard_{index:05d}.parquet", row_group_size=ROW_GROUP)


def _make_tokenizer(config: Config, workspace: Path, folder: Path, say: Say) -> None:
    """nanochat's own tokenizer of the files in a folder, made by its own script."""
    row, directory = revision(config.checkout.date), workspace / config.command.directory
    words = [config.command.run[0], "-m", "scripts.tok_train", f"{row.spelled('vocab_size')}={config.data.tokenizer}"]
    say(f"nanochat makes a tokenizer of {config.data.tokenizer:,} tokens: {' '.join(words)}")
    try:
        done = subprocess.run(words, cwd=directory, env=environment({"NANOCHAT_BASE_DIR": str(folder)}, {}), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        raise UserError(f"{words[0]} could not be started in {directory} ({error.strerror}); change command.checkout or "
                        "command.python", MISSING) from error
    if done.returncode:
        tail = "\n".join(f"    {line}" for line in done.stdout.splitlines()[-8:])
        raise UserError(f"nanochat's scripts.tok_train ended with exit code {done.returncode}; its last lines:\n{tail}", FAILED)


def _fingerprint(config: Config, top: Path, counts: dict[str, dict[str, int]]) -> Fingerprint:
    """Hashes over all files, and the numbers that documents show."""
    files = sorted(folder_of(config, top).glob("*.parquet"))
    digest = hashlib.sha256("\n".join(f"{path.name} {sha256_of(path)}" for path in files).encode())
    return {"sha256": digest.hexdigest(), "tokenizer_sha256": sha256_of(top / "tokenizer" / TOKENIZER[0]),
            "parquet_files": len(files), "vocabulary": vocabulary(top), **counts}


def link(experiment: Experiment, workspace: Path, home: Path) -> Fingerprint:
    """Lets nanochat find data and tokenizer below `home`; returns their fingerprint. Raises UserError."""
    config: Config = experiment.training.config
    folder, fingerprint = prepared(experiment, workspace)
    if fingerprint is None:
        raise UserError(f"the data of {experiment.run} have not been prepared, or have changed since; run its launcher from "
                        "the stage prepare on", MISSING)
    top = base(config, workspace) if config.data.source == "ready" else folder
    home.mkdir(parents=True, exist_ok=True)
    for name, place in (("tokenizer", top / "tokenizer"), (folder_of(config, top).name, folder_of(config, top))):
        (home / name).unlink(missing_ok=True)
        (home / name).symlink_to(place.resolve(), target_is_directory=True)
    return fingerprint
