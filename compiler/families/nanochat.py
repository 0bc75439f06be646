"""What the compiler knows of nanochat: its flags from a spec, how it is watched, its rates and parameters without torch.

The program is a user's own checkout, unmodified; `contract/nanochat.py` says what each range of revisions takes and does.
"""

from __future__ import annotations

import math
from typing import Any

from ..contract.command_line import Flag, Style
from ..contract.families.command import Command
from ..contract.families.nanochat import CHECKPOINTS, HOME, Checkout, Config, Data, Model
from ..contract.metrics import Metric
from ..contract.nanochat import PADDING, REFERENCE_DIM, REFERENCE_TOKENS, Revision, revision
from ..contract.quantities import parse, parse_count
from ..contract.schedules import Curve, Segment
from ..contract.training import Batch, ParameterGroup
from ..contract.watching import Reader, Saved, Watching

SCHEMA_FILE = "nanochat.schema.json"
QUANTITIES = (("watch.grace", "time"), ("watch.silence", "time"), ("data.pieces", "positive"),
              ("data.valid_fraction", "fraction"), ("schedule.warmup_steps", "count"), ("checkpoint.every", "positive"),
              ("eval.validation.every", "positive"))
METRICS = (Metric("valid_bpb", "bits", "lower"),)
EVALUATED: tuple[Metric, ...] = ()
LOGGED: tuple[Metric, ...] = ()
LOSSES: tuple[str, ...] = ()
SPLITS_BATCH = False
INDICATORS: tuple[str, ...] = ()
COUNTED = "tokens"
LOSS_UNIT = "nats"
DTYPES = {"bf16": "bfloat16", "fp32": "float32"}
READERS = (
    Reader(r"^step (?P<step>\d+)/\d+ .*\| loss: (?P<loss>\S+) \| lrm: (?P<lrm>\S+) \| dt: (?P<update_ms>[\d.]+)ms", None, {},
           "train", 0),
    Reader(r"^Step (?P<step>\d+) \| Validation bpb: (?P<valid_bpb>\S+)", None, {}, "valid", 1),
    Reader(r"^Peak memory usage: (?P<peak_memory>(?!0\.00MiB)\S+)", None, {}, "train", 1),
)
"""Its lines of an update (the first is 0), of a validation (after so many updates), and of memory, which is 0 on a CPU."""


def config(plain: dict[str, Any]) -> Config:
    """The frozen configuration of a valid spec. Raises `NotAQuantity`."""
    said, model, data = plain["command"], plain["model"], plain["data"]
    made = Model(model["depth"], model["dim"], model["heads"], model["vocabulary"], model["sequence_length"],
                 model["window_pattern"])
    row, pieces = revision(said["date"]), data.get("pieces")
    return Config(
        Command(_words(said["python"], plain["batch"]["ranks"]), said["checkout"],
                Style("--k=v", "flag", "words", "_", "dashes" if row.dashes else "as_written"),
                flags(plain, made, row), _environment(plain, row), ()),
        Checkout(said["commit"], said["date"], plain["name"], said.get("parent")),
        made,
        Data(data["source"], data.get("path"), None if pieces is None else parse_count(pieces), data["seed"],
             parse(data["valid_fraction"], "fraction"), data.get("chunk") or made.sequence_length,
             data.get("tokenizer") or made.vocabulary),
    )


def _words(python: str, ranks: int) -> tuple[str, ...]:
    module = ("-m", "scripts.base_train")
    if ranks == 1:
        return (python, *module)
    return (python, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}", *module, "--")


def _environment(plain: dict[str, Any], row: Revision) -> dict[str, str]:
    values = {"NANOCHAT_BASE_DIR": f"{{run_folder}}/{HOME}"}
    if row.chooses_precision:
        values["NANOCHAT_DTYPE"] = DTYPES["fp32" if plain["hardware"]["target"] == "cpu" else plain["precision"]]
    return values if plain["compile"] else values | {"TORCHDYNAMO_DISABLE": "1"}


def flags(plain: dict[str, Any], model: Model, row: Revision) -> dict[str, Flag]:
    """Every flag that decides something, none left to a default that would change between revisions.

    CORE and samples are off: the one downloads a bundle, the other speaks of capitals.
    """
    batch, rates, law, valid = plain["batch"], plain["optimizer"], plain["schedule"], plain["eval"]["validation"]
    steps, warmup = parse_count(plain["steps"]), parse_count(law["warmup_steps"])
    tokens = batch["rows"] * model.sequence_length * batch["ranks"]
    return {
        "device_type": "cpu" if plain["hardware"]["target"] == "cpu" else "cuda",
        "depth": model.depth, "aspect_ratio": model.aspect_ratio, "head_dim": model.head_width,
        "max_seq_len": model.sequence_length, "window_pattern": model.window_pattern, "num_iterations": steps,
        "device_batch_size": batch["rows"], "total_batch_size": parse_count(batch["total_tokens"]),
        **{name: float(rates[name]) for name in ("embedding_lr", "unembedding_lr", "matrix_lr", "scalar_lr", "weight_decay")},
        row.warmup: warmup if row.warmup == "warmup_steps" else warmup / steps,
        "warmdown_ratio": parse(law["warmdown_ratio"], "fraction"), "final_lr_frac": parse(law["final_fraction"], "fraction"),
        "eval_every": parse_count(valid["every"]), "eval_tokens": valid["batches"] * tokens,
        "core_metric_every": -1, "sample_every": -1, "save_every": parse_count(plain["checkpoint"]["every"]),
        "model_tag": plain["name"],
    }


def watching(plain: dict[str, Any]) -> Watching:
    """How it is watched: its own log lines and checkpoints. Raises `NotAQuantity`."""
    said = plain["watch"]
    folder = f"{{run_folder}}/{HOME}/{CHECKPOINTS}/{plain['name']}"
    return Watching(READERS, Saved(f"{folder}/model_{{step}}.pt", {"resume_from_step": "{step}"}, 1),
                    r"^Total training time: ", False, parse(said["grace"], "time"), parse(said["silence"], "time"), None)


def groups(plain: dict[str, Any], config: Config, batch: Batch) -> tuple[ParameterGroup, ...]:
    """The parameter groups in the order of nanochat's optimizer state, with the peak rates that it makes of the flags.

    AdamW groups x (dim / 768)^-0.5 (the scalars not), all but smear x sqrt(tokens an update / 2^19).
    """
    said, row = plain["optimizer"], revision(config.checkout.date)
    by_batch = math.sqrt(batch.tokens / REFERENCE_TOKENS) if row.batch_scaled else 1.0
    by_width = by_batch * (config.model.dim / REFERENCE_DIM) ** -0.5
    scaled = {"unembedding": (said["unembedding_lr"], by_width), "embedding": (said["embedding_lr"], by_width),
              "value_embeddings": (said["embedding_lr"], by_width * row.value_share),
              "residual_scalars": (said["scalar_lr"], by_batch * 0.01), "input_scalars": (said["scalar_lr"], by_batch),
              "smear": (0.2, 1.0)}
    decay = dict(zip(("unembedding", "embedding", "value_embeddings", "residual_scalars"), row.adamw_decay, strict=True))
    adamw = [ParameterGroup(name, "adamw", "adamw", float(scaled[name][0]), scaled[name][0] * scaled[name][1],
                            decay.get(name, 0.0), {}) for name in row.groups]
    return (*adamw, ParameterGroup("matrix", "muon", "muon", float(said["matrix_lr"]), said["matrix_lr"] * by_batch,
                                   said["weight_decay"] * _decay_factor(config, batch, row), {}))


def curves(config: Config, steps: int) -> dict[str, Curve]:
    """What else follows the step: the decay of the matrices, which falls to zero over all steps."""
    return {"weight_decay.matrix": Curve((Segment(0, steps, revision(config.checkout.date).decay_law, 1.0, 0.0),))}


def _decay_factor(config: Config, batch: Batch, row: Revision) -> float:
    """What multiplies the weight decay: sqrt(B / 2^19) x the d12 model's scaling parameters over this one's, or (12 / depth)^2.

    The d12 model has this one's aspect ratio, head width and vocabulary.
    """
    model = config.model
    if not row.decay_by_horizon:
        return (12 / model.depth) ** 2
    heads = -(-12 * model.aspect_ratio // max(model.head_width, 1))  # more heads than channels: a check refuses that
    reference = Model(12, heads * model.head_width, heads, model.vocabulary, model.sequence_length, model.window_pattern)
    return math.sqrt(batch.tokens / REFERENCE_TOKENS) * _scaling_parameters(reference, row) / _scaling_parameters(model, row)


def _scaling_parameters(model: Model, row: Revision) -> int:
    count = _modules(model, row)
    return sum(count[name] for name in ("attention", "mlp", "gates", "head"))


def _modules(model: Model, row: Revision) -> dict[str, int]:
    table = -(-model.vocabulary // PADDING) * PADDING * model.dim
    valued = -(-model.depth // 2) if row.value_embeddings else 0  # every other layer, the last one always
    return {
        "token_embedding": table,
        "value_embeddings": table * valued,
        "attention": 4 * model.depth * model.dim**2,
        "mlp": 8 * model.depth * model.dim**2,
        "gates": row.gate_channels * model.heads * valued,
        "scalars": 2 * model.depth + (26 if row.smear else 0),
        "head": table,
    }


def parameters(config: Config) -> dict[str, int]:
    """Exact parameter counts by module."""
    return _modules(config.model, revision(config.checkout.date))


def epoch_samples(config: Config) -> int | None:
    """Unknown: nanochat packs documents into rows as it reads them, and drops what is left over."""
    return None


def sample_length(config: Config) -> int:
    """Tokens of a row."""
    return config.model.sequence_length


def flops_per_token(config: Config, length: int) -> int:
    """FLOPs of forward and backward a token: 6 a matrix parameter, 6 x dim x keys a layer, where a short window (`S`) sees a
    quarter of the context and the last layer all of it; a lower bound for revisions with longer short windows."""
    model, count = config.model, parameters(config)
    pattern = [model.window_pattern[index % len(model.window_pattern)] for index in range(model.depth - 1)]
    keys = length + sum(length if one == "L" else length // 4 for one in pattern)
    return 6 * (count["attention"] + count["mlp"] + count["gates"] + count["head"]) + 6 * model.dim * keys


def chance_loss(config: Config) -> float:
    """ln of the vocabulary, in nats: the loss of a model that finds every token equally likely."""
    return math.log(config.model.vocabulary)


def memory(config: Config, batch: Batch, precision: str, compiled: bool, kind: str) -> dict[str, int]:
    """Nothing: what its compiled step needs has not been measured."""
    return {}


def memory_method(precision: str, compiled: bool, kind: str) -> tuple[str, str]:
    """That it is not known."""
    return "unverified", "nanochat's own step has not been measured"
