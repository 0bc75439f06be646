"""Whether a foreign program is told what it needs, in words that it can read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.command_line import PLACEHOLDERS, Flag, flag_words, placeholders
from ..contract.families.command import Command, Config
from ..contract.watching import Watching
from ..diagnostics import Diagnostic, listing, nearest
from .subject import Subject

_PROGRAM = "extends: program.yaml\n"
CODES = (
    entry(
        "E450",
        "A standalone launcher for a family that cannot run without expc",
        "`launch.standalone` writes the exact command line of a foreign program. Families of expc's own are trained by its "
        "loop and exist nowhere else; their launchers need expc on the machine.",
        wrong="launch: {standalone: true}",
        right=_PROGRAM + "launch: {standalone: true}",
    ),
    entry(
        "E452",
        "A flag in a form that only specs understand",
        "A spec may write 20k, and a reference to such a value stands for the same text; a program reads 20000. Write the "
        "value out where it is stated.",
        wrong=_PROGRAM + "steps: 1k",
        right=_PROGRAM + "steps: 1000",
    ),
    entry(
        "E455",
        "Flags that cannot be written in this style",
        "Two flags may become one word (`a.b` and `a_b` joined by an underscore), and in the form k=v a bare word is no "
        "flag: booleans need `booleans: value` there, and lists something else than `lists: words`.",
        wrong=_PROGRAM + "command: {form: k=v, flags: {compile: true}}",
        right=_PROGRAM + "command: {form: k=v, booleans: value, flags: {compile: true}}",
    ),
    entry(
        "E456",
        "A placeholder that has no value there",
        "{checkpoint} and {step} stand for the checkpoint that is gone on from, or judged; at the beginning there is none. "
        "They belong in `watch.checkpoints.resume` and `eval.program.run`.",
        wrong=_PROGRAM + "command: {flags: {resume: '{checkpoint}'}}",
        right=_PROGRAM + "command: {flags: {out: '{run_folder}'}}",
    ),
    entry(
        "W457",
        "The program is not told what the spec states",
        "No flag holds the value of `steps`, `seed`, `precision` or `checkpoint.every`. If the program has another number of "
        "steps, it ends too early and is never done; a seed that it is not told is not its seed. `${steps}` in a flag "
        "ties the two. A key that the program has no flag for may be left out, or the warning acknowledged.",
        wrong=_PROGRAM + "command: {flags: {max_steps: 777}}",
        right=_PROGRAM + "command: {flags: {max_steps: '${steps}'}}",
    ),
    entry(
        "W458",
        "Braces that are no placeholder",
        "Only the placeholders that there are get filled in; any other braces are handed to the program as they are. This "
        "one looks like a slip.",
        wrong=_PROGRAM + "command: {flags: {out: '{run_foler}'}}",
        right=_PROGRAM + "command: {flags: {out: '{run_folder}'}}",
    ),
)
_SHORT = re.compile(r"[0-9][0-9_,]*(\.[0-9]+)?[kMB]")
_BRACES = re.compile(r"\{([a-z_]+)\}")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The program's words and flags."""
    config, watching = subject.experiment.training.config, subject.experiment.watching
    if not isinstance(config, Config) or watching is None:
        if subject.experiment.launch.standalone:
            yield subject.finding("E450", f"the family {subject.experiment.training.family} needs expc where it runs",
                                  "launch.standalone", "leave it out; only `family: command` has one", ["model"])
        return
    command = config.command
    yield from _flags(subject, command)
    yield from _placeholders(subject, command, watching)
    yield from _untold(subject, command)


def _flags(subject: Subject, command: Command) -> Iterator[Diagnostic]:
    style = command.style
    spelled = Counter(style.spelled(name) for name in command.flags)
    for name, value in command.flags.items():
        key = f"command.flags.{name}"
        written = subject.resolved.layers(key)
        raw = written[-1].value if written else None
        if isinstance(value, str) and _SHORT.fullmatch(value) and isinstance(raw, str) and "${" in raw:
            yield subject.finding("E452", f"{raw} is the text {value} here, which programs do not read", key,
                                  "write the number out where it is stated, such as 20000")
        if spelled[style.spelled(name)] > 1:
            yield subject.finding("E455", f"two flags become {style.lead}{style.spelled(name)}", key, "take one of them away")
        if style.form == "k=v" and _bare(value, command):
            yield subject.finding("E455", f"{' '.join(flag_words(style, {name: value}))} has a word without `=`", key,
                                  "set command.booleans to value, and command.lists to repeat, commas or brackets")


def _bare(value: Flag, command: Command) -> bool:
    if isinstance(value, bool):
        return command.style.booleans != "value"
    return isinstance(value, tuple) and command.style.lists == "words"


def _placeholders(subject: Subject, command: Command, watching: Watching) -> Iterator[Diagnostic]:
    texts = {f"command.run.{index}": word for index, word in enumerate(command.run)}
    texts |= {f"command.flags.{name}": value for name, value in command.flags.items() if isinstance(value, str)}
    texts |= {f"command.env.{name}": value for name, value in command.env.items()}
    for key, text in texts.items():
        if early := sorted({"checkpoint", "step"} & set(placeholders([text]))):
            yield subject.finding("E456", f"there is no {{{early[0]}}} at the beginning", key,
                                  "it has a value in watch.checkpoints.resume and eval.program.run")
    if watching.checkpoints:
        texts["watch.checkpoints.path"] = watching.checkpoints.path
        texts |= {f"watch.checkpoints.resume.{name}": value for name, value in watching.checkpoints.resume.items()
                  if isinstance(value, str)}
    if watching.judge:
        texts |= {f"eval.program.run.{index}": word for index, word in enumerate(watching.judge.run)}
    for key, text in texts.items():
        for name in _BRACES.findall(text):
            if name not in PLACEHOLDERS and (near := nearest(name, PLACEHOLDERS)):
                yield subject.warning("W458", key, {"name": name},
                                      f"did you mean {{{near}}}? There are {listing(PLACEHOLDERS)}")


def _untold(subject: Subject, command: Command) -> Iterator[Diagnostic]:
    """What the spec states and the program is not told, by the value: whoever ties them by hand is believed."""
    training, words = subject.experiment.training, [*command.run, *flag_words(command.style, command.flags)]
    stated: dict[str, object] = {"steps": training.steps, "seed": training.seed, "precision": training.precision}
    if subject.resolved.value("checkpoint.every") is not None:
        stated["checkpoint.every"] = subject.experiment.checkpoint.every
    told = {part for word in words for part in re.split(r"[^A-Za-z0-9]+", word)}
    for key, value in stated.items():
        if value is not None and str(value) not in told:
            yield subject.warning("W457", "command.flags", {"key": key, "value": str(value)}, f"hand it over as ${{{key}}}",
                                  [key])
