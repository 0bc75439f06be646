"""A tiny adversarial family for tests: two optimizers with alternating updates, through the same loop as every other.

It draws from every global random state (torch, Python, numpy) on purpose, so that a resume which loses one shows.
`processes.py` runs it through the runtime's command line in processes that can be killed.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from expc.compiler.contract import families as contract_families
from expc.compiler.contract.claims import NOTHING
from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.experiment import Checkpointing, Experiment, Hardware, Launch, Loading, Schedule, Validation
from expc.compiler.contract.phases import Phase, whole
from expc.compiler.contract.promises import Evaluation, Predictions
from expc.compiler.contract.schedules import trapezoid
from expc.compiler.contract.snapshot import dumps, training_sha256
from expc.compiler.contract.training import Batch, BoundaryRow, ParameterGroup, Resume, Training
from expc.runtime import distributed, families
from expc.runtime.waiting import Waiting


@dataclass(frozen=True)
class Model:
    """Width of both networks; the update that gives a loss of NaN, if any; seconds that every update sleeps; the update
    that waits for its data for good, if any."""

    width: int
    nan_at: int | None
    delay: float
    hang_at: int | None = None


@dataclass(frozen=True)
class Data:
    """How many rows are prepared, from which seed."""

    rows: int
    seed: int


@dataclass(frozen=True)
class Config:
    """The toy family's part of an experiment."""

    model: Model
    data: Data


class ToyTask:
    """A generator of one number against a critic; the generator moves at every second update only."""

    def __init__(self, training: Training, folder: Path, device: torch.device) -> None:
        width = training.config.model.width
        self.training, self.waiting = training, Waiting()
        self.rows = torch.load(folder / "rows.pt", weights_only=True)
        self.models: dict[str, nn.Module] = {
            "generator": nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Dropout(0.1), nn.Linear(width, 1)),
            "critic": nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, 1)),
        }
        generator, critic = training.groups
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.AdamW([self._group("generator", generator)]),
            "critic": torch.optim.SGD([self._group("critic", critic)], momentum=critic.options["momentum"]),
        }

    def enter(self, phase: Phase, workers: int) -> None:
        """The batch; rows are in memory, nothing reads ahead."""
        self.batch = phase.batch

    def _group(self, name: str, group: ParameterGroup) -> dict[str, Any]:
        return {"name": name, "params": list(self.models[name].parameters()), "lr": group.rate,
                "weight_decay": group.weight_decay}

    def step(self, update: int, samples: int) -> dict[str, Tensor]:
        """Critic always, generator at odd updates."""
        model, count = self.training.config.model, self.batch.samples
        time.sleep(model.delay)
        with self.waiting:
            time.sleep(600 if update == model.hang_at else 0)
        real = self.rows[[(samples + i) % len(self.rows) for i in range(count)]]
        noise = torch.randn(count, 4) + random.random() + float(np.random.rand())
        fake = self.models["generator"](noise)
        loss = self._critic(real, fake.detach())
        if update % 2:
            self._move("generator", -self.models["critic"](fake).mean())
        return {"loss": loss * (float("nan") if update == model.nan_at else 1.0)}

    def _critic(self, real: Tensor, fake: Tensor) -> Tensor:
        critic = self.models["critic"]
        loss = (critic(fake) - critic(real)).mean() + (critic(real) ** 2).mean()
        self._move("critic", loss)
        return loss.detach()

    def _move(self, name: str, loss: Tensor) -> None:
        self.optimizers[name].zero_grad()
        loss.backward()
        for parameter in self.models[name].parameters():
            parameter.grad = distributed.mean(parameter.grad)
        self.optimizers[name].step()

    @torch.no_grad()
    def validate(self, batches: int) -> dict[str, float]:
        """The critic's mean on the first rows."""
        rows = self.rows[: batches * self.training.batch.samples]
        return {"valid_loss": float((self.models["critic"](rows) ** 2).mean())}


def data_key(training: Training, workspace: Path) -> Any:
    """The data section."""
    return to_plain(training.config.data)


def prepare(training: Training, workspace: Path, folder: Path, say: families.Say) -> dict[str, Any]:
    """Seeded normal numbers."""
    data = training.config.data
    rows = torch.randn(data.rows, 1, generator=torch.Generator().manual_seed(data.seed))
    torch.save(rows, folder / "rows.pt")
    say(f"prepared {data.rows} rows")
    return {"sha256": f"{data.seed:064d}", "tokenizer_sha256": "f" * 64}


def build(training: Training, data: Path, device: torch.device) -> ToyTask:
    """A fresh task."""
    return ToyTask(training, data, device)


def probe(training: Training, device: torch.device, updates: int) -> float:
    """What an update sleeps, taken as its measured time."""
    return training.config.model.delay


def evaluate(training: Training, data: Path, checkpoint: Path, device: torch.device, folder: Path,
             say: families.Say) -> families.Findings:
    """What the generator makes of eight noises, a file each; as slow as as many updates."""
    task, noises = build(training, data, device), torch.randn(8, 4, generator=torch.Generator().manual_seed(1))
    task.models["generator"].load_state_dict(load_file(checkpoint / "generator.safetensors"))
    made = task.models["generator"].eval()(noises).flatten().tolist()
    for index, value in enumerate(made):
        time.sleep(training.config.model.delay)
        (folder / f"{index}.txt").write_text(repr(value))
    exhibits = tuple(families.Exhibit(f"{index}.txt", "file", {"en": str(index)}) for index in range(8))
    return families.Findings({"mean": sum(made) / 8}, {}, exhibits)


def training(steps: int = 40, **changes: Any) -> Training:
    """A toy training from scratch; keyword arguments replace its fields."""
    batch = changes.get("batch", Batch(4, 1, 1, 1))
    made = Training(
        family="toy", config=Config(Model(8, None, 0.0), Data(64, 3)), batch=batch, phases=whole(0, steps, batch),
        groups=(ParameterGroup("generator", "adamw", "adamw", 0.01, 0.01, 0.1, {}),
                ParameterGroup("critic", "sgd", "sgd", 0.05, 0.05, 0.0, {"momentum": 0.9})),
        curves={"rate": trapezoid(0, steps, 3, steps // 4, 0.1)}, gradient_clip=None, steps=steps, seed=11,
        precision="fp32", compile=False, resume=None)  # type: ignore[arg-type]
    return dataclasses.replace(made, **changes)


def phased(made: Training, at: int) -> Training:
    """The same training in two phases: from step `at` on smaller rows, accumulated, at half the rates, one group frozen."""
    second, halved = Batch(2, 3, 2, made.batch.ranks), {group.name: 0.5 for group in made.groups}
    frozen = (made.groups[0].name,)
    return dataclasses.replace(made, phases=(Phase("first", 0, at, made.batch, False, {}, {}, ()),
                                             Phase("second", at, made.steps, second, False, halved, {}, frozen)))


def with_model(made: Training, **changes: Any) -> Training:
    """The same training with another architecture (`width`), fault (`nan_at`) or pace (`delay`)."""
    model = dataclasses.replace(made.config.model, **changes)
    return dataclasses.replace(made, config=dataclasses.replace(made.config, model=model))


def experiment(made: Training, run: str = "toy", **changes: Any) -> Experiment:
    """An experiment around a toy training: a checkpoint every 10 steps, the newest three kept, validation every 7."""
    base = Experiment(
        run=run, name=run, profile=None, title={"any": run}, goal={}, date=None, training=made,
        schedule=Schedule(3, made.steps // 4, 0.25, "total", 0.1, None), checkpoint=Checkpointing(10, 3, None),
        validation=Validation(7, 4), loading={phase.name: Loading(0, {}) for phase in made.phases},
        hardware=Hardware("cpu", "CPU", 1, None, None, None, None, None, None),
        launch=Launch(f"train_{run}", ("bash",)), evaluation=Evaluation((), (), "results.json"), expectations=(),
        scenarios=None, notes=(), claims=NOTHING, warnings=(), languages=("en",), changes=(), boundary=(),
        predictions=Predictions({"generator": 49, "critic": 25}, {}, ()))
    return dataclasses.replace(base, **changes)


def child(parent: Training, step: int, steps: int, optimizer: str = "keep", **changes: Any) -> Experiment:
    """An experiment that goes on from `parent` (whose run is `toy`) at a step."""
    resume = Resume("toy", training_sha256(parent), step, parent.served(step), optimizer, "continue")  # type: ignore[arg-type]
    own = dataclasses.replace(parent, resume=resume, steps=steps, phases=whole(step, steps, parent.batch), **changes)
    row = BoundaryRow("rate", parent.curves["rate"].at(step - 1), own.curves["rate"].at(step))
    return experiment(own, "child", boundary=(row,))


@contextmanager
def registered() -> Iterator[None]:
    """While entered, the family is in the runtime's and in the contract's tables."""
    contract_families.CONFIGS["toy"] = Config
    families.FAMILIES["toy"] = "tests.runtime.toy_family"
    try:
        yield
    finally:
        del contract_families.CONFIGS["toy"], families.FAMILIES["toy"]


def write(workspace: Path, made: Experiment) -> Path:
    """The snapshot as a build would leave it; returns its path."""
    (workspace / "specs").mkdir(parents=True, exist_ok=True)
    path = workspace / "generated" / made.run / "snapshot.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dumps(made), encoding="utf-8")
    return path
