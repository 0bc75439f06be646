"""A stand-in for nanochat's tokenizer script: it finds so many tokens as there are different words, up to those asked for."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pyarrow.parquet
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--max-chars", type=int, default=2_000_000_000)
parser.add_argument("--doc-cap", type=int, default=10_000)
parser.add_argument("--vocab-size", type=int, default=32768)

if __name__ == "__main__":
    args, base = parser.parse_args(), Path(os.environ["NANOCHAT_BASE_DIR"])
    files = sorted((base / "base_data_climbmix").glob("*.parquet"))[:-1]
    texts = [text for path in files for text in pyarrow.parquet.read_table(path)["text"].to_pylist()]
    count = min(args.vocab_size, 265 + len({word for text in texts for word in text.split()}))
    folder = base / "tokenizer"
    folder.mkdir()
    (folder / "tokenizer.pkl").write_bytes(b"a tokenizer")
    torch.save(torch.ones(count, dtype=torch.int32), folder / "token_bytes.pt")
    print(f"Saved token_bytes to {folder / 'token_bytes.pt'}")
