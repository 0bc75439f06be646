"""Judges a checkpoint of train.py on the sums that it never saw: how many it gets right, with and without a carry.

    python evaluate.py checkpoints/step_002000.pt
"""

import sys

import torch
from train import network, sums


@torch.no_grad()
def main():
    saved = torch.load(sys.argv[1])
    settings = saved["settings"]
    model = network(settings["hidden"], settings["layer_norm"])
    model.load_state_dict(saved["model"])
    inputs, results = (part[settings["examples"]:] for part in sums(settings["seed"]))
    right = (model(inputs).view(-1, 3, 10).argmax(-1) == results).all(1).float()
    digits = inputs.view(-1, 4, 10).argmax(-1)
    carries = digits[:, 1] + digits[:, 3] > 9
    print(f"without carry: {right[~carries].mean().item():.4f}")
    print(f"with carry: {right[carries].mean().item():.4f}")


if __name__ == "__main__":
    main()
