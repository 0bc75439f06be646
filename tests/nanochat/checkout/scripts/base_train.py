"""A stand-in for nanochat's training script at the commit that the shipped table ends with: its flags, the form of its log
lines and checkpoints, and its traps, over a "model" of one number a parameter group.

Each update adds a group's rate to its number, and the held-out figure falls with their sum: so it tells which rates were in
force. As in the original, the rates on the command line reach the optimizer only before its state is loaded, the
architecture is never compared with the checkpoint's, and a horizon before the checkpoint's step is never reached.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from pathlib import Path

import pyarrow.parquet
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--run", type=str, default="dummy")
parser.add_argument("--device-type", type=str, default="")
parser.add_argument("--fp8", action="store_true")
parser.add_argument("--fp8-recipe", type=str, default="tensorwise")
parser.add_argument("--depth", type=int, default=20)
parser.add_argument("--aspect-ratio", type=int, default=64)
parser.add_argument("--head-dim", type=int, default=128)
parser.add_argument("--max-seq-len", type=int, default=2048)
parser.add_argument("--window-pattern", type=str, default="SSSL")
parser.add_argument("--num-iterations", type=int, default=-1)
parser.add_argument("--target-flops", type=float, default=-1.0)
parser.add_argument("--target-param-data-ratio", type=float, default=12)
parser.add_argument("--device-batch-size", type=int, default=32)
parser.add_argument("--total-batch-size", type=int, default=-1)
parser.add_argument("--embedding-lr", type=float, default=0.3)
parser.add_argument("--unembedding-lr", type=float, default=0.008)
parser.add_argument("--weight-decay", type=float, default=0.28)
parser.add_argument("--matrix-lr", type=float, default=0.02)
parser.add_argument("--scalar-lr", type=float, default=0.5)
parser.add_argument("--warmup-steps", type=int, default=40)
parser.add_argument("--warmdown-ratio", type=float, default=0.65)
parser.add_argument("--final-lr-frac", type=float, default=0.05)
parser.add_argument("--resume-from-step", type=int, default=-1)
parser.add_argument("--eval-every", type=int, default=250)
parser.add_argument("--eval-tokens", type=int, default=80 * 524288)
parser.add_argument("--core-metric-every", type=int, default=2000)
parser.add_argument("--core-metric-max-per-task", type=int, default=500)
parser.add_argument("--sample-every", type=int, default=2000)
parser.add_argument("--save-every", type=int, default=-1)
parser.add_argument("--model-tag", type=str, default=None)
args = parser.parse_args() if __name__ == "__main__" else argparse.Namespace()


def groups(asked: argparse.Namespace, dim: int) -> list[dict[str, object]]:
    """The optimizer's groups in the original's order, with its scaling; two of Muon's, as of two shapes."""
    batch = math.sqrt(asked.total_batch_size / 2**19)
    width = (dim / 768) ** -0.5 * batch
    rates = [("adamw", asked.unembedding_lr * width), ("adamw", asked.embedding_lr * width),
             ("adamw", asked.embedding_lr * width * 0.5), ("adamw", asked.scalar_lr * batch * 0.01),
             ("adamw", asked.scalar_lr * batch), ("adamw", 0.2), ("muon", asked.matrix_lr * batch),
             ("muon", asked.matrix_lr * batch)]
    return [{"kind": kind, "params": [index], "lr": rate, "initial_lr": rate} for index, (kind, rate) in enumerate(rates)]


def multiplier(asked: argparse.Namespace, step: int) -> float:
    """The rate's law."""
    down = round(asked.warmdown_ratio * asked.num_iterations)
    if step < asked.warmup_steps:
        return (step + 1) / asked.warmup_steps
    if step <= asked.num_iterations - down:
        return 1.0
    left = (asked.num_iterations - step) / down
    return left + (1 - left) * asked.final_lr_frac


def wait_for_documents(base: Path) -> None:
    """The column `text` of all files but the last; where there is none, it waits for ever."""
    files = sorted((base / "base_data_climbmix").glob("*.parquet"))
    while len(files) < 2:
        time.sleep(0.1)
    assert all(pyarrow.parquet.read_table(path, columns=["text"]).num_rows for path in files)


def save(folder: Path, step: int, model: dict[str, torch.Tensor], state: dict[str, object], meta: dict[str, object]) -> None:
    """Three files, as the original writes them: not atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(model, folder / f"model_{step:06d}.pt")
    (folder / f"meta_{step:06d}.json").write_text(json.dumps(meta, indent=2))
    torch.save(state, folder / f"optim_{step:06d}_rank0.pt")


def main() -> None:
    """Trains as the command line and the checkpoint say."""
    base = Path(os.environ["NANOCHAT_BASE_DIR"])
    wait_for_documents(base)
    dim = -(-args.depth * args.aspect_ratio // args.head_dim) * args.head_dim
    tokens = torch.load(base / "tokenizer" / "token_bytes.pt", weights_only=True).numel()
    config = {"sequence_len": args.max_seq_len, "vocab_size": tokens, "n_layer": args.depth, "n_head": dim // args.head_dim,
              "n_kv_head": dim // args.head_dim, "n_embd": dim, "window_pattern": args.window_pattern}
    assert args.total_batch_size % (args.device_batch_size * args.max_seq_len) == 0, "total_batch_size must be a multiple"
    folder, state = base / "base_checkpoints" / args.model_tag, {"state": {}, "param_groups": groups(args, dim)}
    model, step = {"w": torch.zeros(len(state["param_groups"]))}, 0
    if args.resume_from_step != -1:
        step = args.resume_from_step
        model = torch.load(folder / f"model_{step:06d}.pt", weights_only=True)
        state = torch.load(folder / f"optim_{step:06d}_rank0.pt", weights_only=True)
    loop(folder, config, model, state, step)
    print("Peak memory usage: 0.00MiB\nTotal training time: 0.00m\nMinimum validation bpb: 1.000000")


def loop(folder: Path, config: dict[str, object], model: dict[str, torch.Tensor], state: dict, step: int) -> None:
    """Validate, save, update, in this order, until the step is the horizon."""
    bpb = None
    while True:
        last = step == args.num_iterations
        if args.eval_every > 0 and (last or step % args.eval_every == 0):
            bpb = 8 / (1 + float(model["w"].sum()))
            print(f"Step {step:05d} | Validation bpb: {bpb:.6f}")
        if last or (step not in (0, args.resume_from_step) and args.save_every > 0 and step % args.save_every == 0):
            save(folder, step, model, state, {"step": step, "val_bpb": bpb, "model_config": config, "user_config": vars(args)})
        if last:
            return
        rate = multiplier(args, step)
        for index, group in enumerate(state["param_groups"]):
            group["lr"] = group["initial_lr"] * rate
            model["w"][index] += group["lr"]
        time.sleep(float(os.environ.get("STANDIN_DELAY", "0.002")))
        print(f"step {step:05d}/{args.num_iterations:05d} ({100 * step / args.num_iterations:.2f}%) | loss: "
              f"{5 / (1 + float(model['w'].sum())):.6f} | lrm: {rate:.2f} | dt: 2.00ms | tok/sec: 1,234 | bf16_mfu: 0.00 | "
              "epoch: 1 pq: 0 rg: 0 | total time: 0.00m")
        step += 1


if __name__ == "__main__":
    main()
