"""Whether nanochat makes of the spec what it says: its width, its revision, its data, its parent, what evaluation costs."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.codec import to_plain
from ..contract.experiment import Experiment
from ..contract.families.nanochat import Config
from ..contract.nanochat import LAST, REVISIONS, revision
from ..contract.quantities import percent
from ..diagnostics import Diagnostic
from ..differences import differences
from .subject import Subject

_CHECKOUT = "extends: nanochat.yaml\n"
_CHILD = _CHECKOUT + "name: longer\nresume: {from: nanochat.yaml, step: 1000}\nsteps: 2000\n"
CODES = (
    entry(
        "E470",
        "A width that nanochat cannot be told",
        "nanochat is told depth, aspect ratio (a whole number) and head width; it multiplies depth and aspect ratio and rounds "
        "up to whole heads. `heads` has to divide `dim`, into heads of even width, and dim has to come out again.",
        wrong=_CHECKOUT + "model: {depth: 40, dim: 256, heads: 16}",
        right=_CHECKOUT + "model: {depth: 8, dim: 256, heads: 4}",
    ),
    entry(
        "E471",
        "A revision that cannot do what is asked, or is not known",
        "Flags, groups and scaling are known for commits from 2026-01-12 on. Rates can be rewritten for a resumed run since "
        "there is one optimizer (2026-01-29), and a GPU computes in fp32 since NANOCHAT_DTYPE (2026-03-04).",
        wrong=_CHECKOUT + "command: {date: '2025-11-01'}",
        right=_CHECKOUT + "command: {date: '2026-03-20'}",
    ),
    entry(
        "W472",
        "The commit is newer than what is known",
        "The table of flags, groups and scaling was read up to a commit. The preflight compares the flags with the checkout's "
        "own, but not what they do: look at `get_lr_multiplier` and `setup_optimizer`, or take an older commit.",
        wrong=_CHECKOUT + "command: {date: '2027-01-01'}",
        right=_CHECKOUT + "command: {date: '2026-07-03'}",
    ),
    entry(
        "E473",
        "The data section lacks what its source needs",
        "`ready` and `folder` need `path`, `synthetic` needs `pieces`; what a source does not use is refused.",
        wrong=_CHECKOUT + "data: {source: synthetic, pieces: null}",
        right=_CHECKOUT + "data: {source: synthetic, pieces: 2000}",
    ),
    entry(
        "W474",
        "Documents may be longer than a row",
        "nanochat packs documents into rows and cuts what does not fit into one. A document of at most as many characters as "
        "the row has tokens always fits; a longer one may, if its tokens are long enough.",
        wrong=_CHECKOUT + "data: {chunk: 5000}",
        right=_CHECKOUT + "data: {chunk: 1024}",
    ),
    entry(
        "E475",
        "nanochat cannot go on from this parent",
        "It takes its architecture from the command line and never compares it with the checkpoint: another window or length "
        "is resumed without a word. Parent and child have to be nanochat's, of one architecture, one data section and "
        "revisions with the same parameter groups. `command.parent` belongs to `resume`.",
        wrong=_CHILD + "model: {window_pattern: SL}\nhardware: {target: h100_sxm}",
        right=_CHILD,
    ),
    entry(
        "W476",
        "The checkpoint at the resume step cannot be compared",
        "Right after resuming nanochat validates, if the step is a multiple of `eval.validation.every`; that figure has to be "
        "the parent's own at that step, which proves that the same weights go on over the same data. It costs nothing; choose "
        "`resume.step` and `eval.validation` so that both measure, on as much data.",
        wrong=_CHILD + "eval: {validation: {every: 300}}",
        right=_CHILD,
    ),
    entry(
        "W477",
        "Evaluation takes a large part of the run",
        "A validation is so many forward batches, each about a third of a training one. nanochat's defaults, meant for large "
        "batches, make it 10,240 of 4,096 tokens every 250 steps.",
        wrong=_CHECKOUT + "eval: {validation: {every: 100, batches: 10240}}",
        right=_CHECKOUT + "eval: {validation: {every: 100, batches: 16}}",
    ),
    entry(
        "W478",
        "Sliding windows without Flash Attention 3",
        "Only Hopper cards have Flash Attention 3, and it computes in bf16. Elsewhere nanochat falls back on an attention that "
        "knows no windows and is slow with them.",
        wrong=_CHECKOUT + "model: {window_pattern: SSSL}",
        right=_CHECKOUT + "model: {window_pattern: L}",
    ),
)
HOPPER = ("h100", "h200", "h800")
COSTLY = 0.25
"""Share of the training's own cost beyond which evaluation is warned about."""
FORWARD = 1 / 3
"""A forward pass as a share of an update's forward and backward."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """What a nanochat spec asks for, against what is known of nanochat."""
    config = subject.experiment.training.config
    if not isinstance(config, Config):
        if subject.parent and isinstance(subject.parent.training.config, Config):
            yield subject.finding("E475", f"{subject.parent.run} is nanochat's, whose checkpoints nothing else here can load",
                                  "resume.from", "train with `family: nanochat`")
        return
    yield from _width(subject, config)
    yield from _revision(subject, config)
    yield from _data(subject, config)
    yield from _parent(subject, config)
    yield from _cost(subject)
    if "S" in config.model.window_pattern and not (
            subject.experiment.hardware.target.startswith(HOPPER) and subject.experiment.training.precision == "bf16"):
        yield subject.warning("W478", "model.window_pattern", {"target": subject.experiment.hardware.title}, "write L",
                              ["hardware.target", "precision"])


def _width(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    model = config.model
    if model.dim % (2 * model.heads):
        yield subject.finding("E470", f"{model.heads} heads cannot share dim {model.dim}: each would get "
                              f"{model.dim / model.heads:g} channels, and needs an even number", "model.heads",
                              also=["model.dim"])
    elif model.built_dim != model.dim:
        yield subject.finding("E470", f"depth {model.depth} x aspect ratio {model.aspect_ratio}, in heads of "
                              f"{model.head_width} channels, makes {model.built_dim}, not {model.dim}", "model.dim",
                              "take a multiple of depth, or wider heads", ["model.depth", "model.heads"])


def _revision(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    date, training = config.checkout.date, subject.experiment.training
    row, gpu = revision(date), subject.experiment.hardware.target != "cpu"
    if date < REVISIONS[0].since:
        yield subject.finding("E471", f"what commits of {date} take and do is not known; the table begins with "
                              f"{REVISIONS[0].since}", "command.date", "check out a newer commit", ["command.commit"])
    elif training.resume and not row.one_optimizer:
        yield subject.finding("E471", f"at {date} the optimizer's state is in two, so that a resumed run cannot be given rates",
                              "command.date", "check out a commit from 2026-01-29 on", ["resume"])
    elif gpu and training.precision == "fp32" and not row.chooses_precision:
        yield subject.finding("E471", f"at {date} a GPU always computes in bf16", "precision",
                              "write bf16, or check out a commit from 2026-03-04 on", ["command.date"])
    elif date > LAST:
        yield subject.warning("W472", "command.date", {"date": date, "known": LAST}, "the preflight compares the flags alone",
                              ["command.commit"])


def _data(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    data = config.data
    needed, other = ("pieces", "path") if data.source == "synthetic" else ("path", "pieces")
    if getattr(data, needed) is None:
        yield subject.finding("E473", f"source {data.source} needs {needed}", "data.source", f"add data.{needed}")
    if getattr(data, other) is not None:
        yield subject.finding("E473", f"source {data.source} does not use {other}", f"data.{other}",
                              f"delete it (in an inheriting spec: `{other}: null`)", ["data.source"])
    if data.source != "ready" and data.chunk > config.model.sequence_length:
        yield subject.warning("W474", "data.chunk", {"chunk": f"{data.chunk:,}", "row": f"{config.model.sequence_length:,}"},
                              "leave it out for documents that always fit", ["model.sequence_length"])


def _parent(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    resume, parent = subject.experiment.training.resume, subject.parent
    if resume is None or parent is None:
        if config.checkout.parent is not None:
            yield subject.finding("E475", "there is no resume that the parent's checkpoints could be for", "command.parent",
                                  "add resume, or take it out")
        return
    theirs = parent.training.config
    if not isinstance(theirs, Config):
        yield subject.finding("E475", f"{parent.run} is of the family {parent.training.family}, whose checkpoints nanochat "
                              "cannot load", "resume.from", "name a spec with `family: nanochat`")
        return
    for section in ("model", "data"):
        for one in differences(to_plain(getattr(theirs, section)), to_plain(getattr(config, section))):
            yield subject.finding("E475", f"{section}.{one.key} is {one.after}, in {parent.run} it is {one.before}",
                                  f"{section}.{one.key}", "nanochat would resume the difference without a word",
                                  ["resume.from"])
    if revision(theirs.checkout.date).groups != revision(config.checkout.date).groups:
        yield subject.finding("E475", f"commits of {config.checkout.date} have other parameter groups than those of "
                              f"{theirs.checkout.date}", "command.date", f"resume {parent.run} with its own commit",
                              ["resume.from"])
    yield from _comparable(subject, parent, resume.step)


def _comparable(subject: Subject, parent: Experiment, step: int) -> Iterator[Diagnostic]:
    mine, theirs = subject.experiment.validation, parent.validation
    assert mine is not None and theirs is not None
    if step % mine.every:
        why, key = "none", "resume.step"
    elif step % theirs.every and step != parent.training.steps:
        why, key = "parent", "resume.step"
    elif (mine.batches, subject.experiment.training.batch) != (theirs.batches, parent.training.batch):
        why, key = "amount", "eval.validation.batches"
    else:
        return
    reasons = {"none": f"step {step:,} is no multiple of {mine.every:,}",
               "parent": f"{parent.run} does not validate at step {step:,}", "amount": "the two measure on other batches"}
    yield subject.warning("W476", key, {"why": reasons[why]}, "let both validate at that step, on as much data",
                          ["eval.validation.every", "resume.from"])


def _cost(subject: Subject) -> Iterator[Diagnostic]:
    training, valid = subject.experiment.training, subject.experiment.validation
    assert training.batch is not None and valid is not None
    if training.own_steps <= 0:
        return
    forwards = (training.own_steps // valid.every + 1) * valid.batches
    share = FORWARD * forwards / (training.own_steps * training.batch.accumulation)
    if share > COSTLY:
        yield subject.warning("W477", "eval.validation", {"forwards": f"{forwards:,}", "share": percent(share, 0)},
                              "validate less often, or on fewer batches", ["steps"])
