"""Teaches a small network to add two numbers from 0 to 99: a training script in one file, as anybody would write it.

    python train.py --steps 500 --out checkpoints
    python train.py --steps 500 --out checkpoints --resume checkpoints/step_000200.pt
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000, help="optimizer updates in all")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--examples", type=int, default=2000, help="how many of the 10,000 sums it sees; the rest is held out")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--hidden", type=int, nargs="+", default=[256, 256], help="widths of the hidden layers")
    parser.add_argument("--layer-norm", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--valid-every", type=int, default=100)
    parser.add_argument("--save-every", type=int, default=500)
    parser.add_argument("--out", type=Path, default=Path("checkpoints"))
    parser.add_argument("--resume", type=Path, help="a checkpoint to go on from")
    return parser.parse_args()


def network(hidden, layer_norm):
    """Four digits in (one-hot, 40 numbers), three digits out (30 logits)."""
    layers, width = [], 40
    for size in hidden:
        layers += [nn.Linear(width, size), *([nn.LayerNorm(size)] if layer_norm else []), nn.GELU()]
        width = size
    return nn.Sequential(*layers, nn.Linear(width, 30))


def digits(numbers, count):
    return torch.stack([numbers // 10**place % 10 for place in reversed(range(count))], dim=1)


def sums(seed):
    """All 10,000 sums in an order of the seed's: inputs (one-hot) and the digits of the results."""
    order = torch.randperm(10_000, generator=torch.Generator().manual_seed(seed))
    first, second = order // 100, order % 100
    inputs = F.one_hot(torch.cat([digits(first, 2), digits(second, 2)], dim=1), 10).flatten(1).float()
    return inputs, digits(first + second, 3)


def loss_of(model, inputs, results):
    return F.cross_entropy(model(inputs).view(-1, 10), results.reshape(-1))


@torch.no_grad()
def judge(model, inputs, results):
    """Held-out loss in nats a digit, and the share of sums with all digits right."""
    guessed = model(inputs).view(-1, 3, 10).argmax(-1)
    return loss_of(model, inputs, results).item(), (guessed == results).all(1).float().mean().item()


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    inputs, results = sums(args.seed)
    train, held_out = slice(0, args.examples), slice(args.examples, None)
    model = network(args.hidden, args.layer_norm)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    dice, step = torch.Generator().manual_seed(args.seed), 0
    if args.resume:
        saved = torch.load(args.resume)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        dice.set_state(saved["dice"])
        step = saved["step"]
        print(f"resumed at step {step}")
    args.out.mkdir(parents=True, exist_ok=True)
    while step < args.steps:
        rows = torch.randint(args.examples, (args.batch_size,), generator=dice)
        loss = loss_of(model, inputs[train][rows], results[train][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        print(f"step {step}/{args.steps} loss {loss.item():.4f}")
        if step % args.valid_every == 0 or step == args.steps:
            valid_loss, accuracy = judge(model, inputs[held_out], results[held_out])
            print(f"validation at step {step}: loss {valid_loss:.4f} accuracy {accuracy:.4f}")
        if step % args.save_every == 0 or step == args.steps:
            settings = {name: getattr(args, name) for name in ("hidden", "layer_norm", "seed", "examples")}
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "dice": dice.get_state(),
                        "step": step, "settings": settings}, args.out / f"step_{step:06d}.pt")


if __name__ == "__main__":
    main()
