"""The adapter: a frozen base in, the same model with low-rank updates on it and the module that holds what trains out.

Keys and file are peft's own, so a checkpoint's `adapter_model.safetensors` beside the `adapter_config.json` that the
evaluation writes is what `PeftModel.from_pretrained` reads.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from expc.compiler.contract.families.musicgen_lora import Model

NAME = "adapter_model"
FILE = f"{NAME}.safetensors"


class Adapter(nn.Module):
    """What trains of an adapted model, as one module: its parameters and, under peft's keys, its state."""

    adapted: Any

    def __init__(self, adapted: Any) -> None:
        super().__init__()
        object.__setattr__(self, "adapted", adapted)  # not a submodule: the base is neither saved nor counted

    def named_parameters(self, *args: Any, **options: Any) -> Iterator[tuple[str, nn.Parameter]]:
        """Those that train."""
        return ((name, one) for name, one in self.adapted.named_parameters() if one.requires_grad)

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """Those that train, in the model's order."""
        return (one for _, one in self.named_parameters())

    def state_dict(self, *args: Any, **options: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """The adapter as peft saves it."""
        from peft import get_peft_model_state_dict

        state: dict[str, Tensor] = get_peft_model_state_dict(self.adapted)
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """Takes an adapter as peft saves it. Raises RuntimeError where it has other tensors."""
        from peft import set_peft_model_state_dict

        mine = self.state_dict()
        if {name: one.shape for name, one in state_dict.items()} != {name: one.shape for name, one in mine.items()}:
            raise RuntimeError("the adapter has other layers or another rank")
        return set_peft_model_state_dict(self.adapted, dict(state_dict))


def adapt(base: Any, said: Model, seed: int) -> Any:
    """The base with fresh adapters: A is drawn from the seed, B is zero, so that at first it equals the base exactly."""
    from peft import LoraConfig, get_peft_model

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return get_peft_model(base, LoraConfig(r=said.rank, lora_alpha=said.alpha, lora_dropout=said.dropout,  # type: ignore[arg-type]
                                               target_modules=list(said.targets), bias="none"))


def restore(adapted: Any, checkpoint: Path) -> None:
    """Puts the adapter of a checkpoint into the model."""
    Adapter(adapted).load_state_dict(load_file(str(checkpoint / FILE)))


def export(adapted: Any, checkpoint: Path, folder: Path) -> None:
    """Writes the adapter of a checkpoint as a folder that `PeftModel.from_pretrained` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(checkpoint / FILE, folder / FILE)
    adapted.peft_config["default"].save_pretrained(str(folder))
