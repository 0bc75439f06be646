"""The command line: `expc check | build | plan | explain | schema | init`, and the runtime's commands, loaded when called.

Every command takes `--json`. Exit codes: 0 fine, 1 errors in a spec, 2 stale or changed, 64 wrong use of the command line.
"""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path
from typing import Any, Literal

import click

from .render import printable

RUNTIME = ("run", "status", "watch", "eval", "compare", "report", "generate", "probe")
STALE, MISUSED = 2, 64


class Commands(click.Group):
    """The compiler's commands, and by name those of the runtime, which import torch only when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *RUNTIME]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in RUNTIME:
            group: click.Group = importlib.import_module("expc.runtime.cli").commands
            return group.get_command(ctx, name)
        return super().get_command(ctx, name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from .diagnostics import nearest

            near = nearest(args[0], self.list_commands(ctx))
            raise click.UsageError(error.message + (f' Did you mean "{near}"?' if near else ""), ctx) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="expc")
def commands() -> None:
    """Compile an experiment spec into launchers, a frozen snapshot and a design document; run it; report on it.

    \b
    expc init my-experiments         make a workspace with a first spec
    expc check specs/d8_v2.yaml      say everything that is wrong with a spec
    expc build specs/d8_v2.yaml      write launchers, snapshot and design document to generated/
    bash generated/resume_d8_depth_5k_to_20k.sh    train, evaluate, compare, report
    """


specs_argument = click.argument("specs", nargs=-1, type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
profile_option = click.option("--profile", metavar="NAME", help="Overlay this profile of the spec, such as smoke.")
set_option = click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE",
                          help="Override a value, for instance optimizer.matrix_lr=0.01; may be repeated.")


@commands.command()
@specs_argument
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif", "github"]), default="text",
              help="How diagnostics are printed.")
@json_option
def check(specs: tuple[Path, ...], form: str, as_json: bool) -> None:
    """Say everything that is wrong with SPECS (all of specs/ if none are named), in every profile."""
    from .commands import check as work

    sys.exit(work.check(specs, "json" if as_json else form))


@commands.command()
@specs_argument
@profile_option
@set_option
@click.option("--out", type=click.Path(path_type=Path), help="Write here instead of generated/.")
@click.option("--check", "verify", is_flag=True,
              help="Write nothing; exit 2 if a build would. With no other argument: all that the manifest lists.")
@json_option
def build(specs: tuple[Path, ...], profile: str | None, overrides: tuple[str, ...], out: Path | None, verify: bool,
          as_json: bool) -> None:
    """Compile SPECS (all of specs/ if none are named) into launchers, snapshots and design documents."""
    if verify:
        from .commands import verify as verifying

        sys.exit(verifying.verify(specs, profile, overrides, out, as_json))
    from .commands import build as work

    sys.exit(work.build(specs, profile, overrides, out, as_json))


@commands.command()
@specs_argument
@profile_option
@set_option
@click.option("--against", metavar="REV", help="Compare with the snapshots that git holds at this revision.")
@click.option("--target", "targets", multiple=True, metavar="NAME",
              help="Also estimate time and cost on this device, such as h100_sxm; may be repeated.")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text",
              help="markdown: fit for a comment on a pull request.")
@json_option
def plan(specs: tuple[Path, ...], profile: str | None, overrides: tuple[str, ...], against: str | None,
         targets: tuple[str, ...], form: Literal["text", "markdown", "json"], as_json: bool) -> None:
    """Predict parameters, memory, tokens, time and cost of SPECS (all of specs/ if none are named), and say what a build
    would change. Exit 2 if anything."""
    from .commands import plan as work

    sys.exit(work.plan(specs, profile, overrides, against, targets, "json" if as_json else form))


@commands.command()
@click.argument("subject", metavar="CODE|SPEC", required=False)
@click.argument("key", required=False)
@profile_option
@set_option
@click.option("--describe", "described", is_flag=True, help="Also say what each key means.")
@click.option("--all", "everything", is_flag=True, help="Print the whole handbook of diagnostics, as Markdown.")
@json_option
def explain(subject: str | None, key: str | None, profile: str | None, overrides: tuple[str, ...], described: bool,
            everything: bool, as_json: bool) -> None:
    """Explain a diagnostic, or say where the values of a spec come from.

    \b
    expc explain E303                                        what a diagnostic means
    expc explain --all                                       what every diagnostic means
    expc explain specs/d8_v2.yaml                            the whole spec, each line with its place
    expc explain specs/d8_v2.yaml optimizer.matrix_lr        one value, layer by layer
    expc explain specs/d8_v2.yaml 'expect[valid_loss].below' an item of a list, by its name or index
    """
    from .commands import explain as work

    if everything:
        sys.exit(work.handbook(as_json))
    if subject is None:
        raise click.UsageError("which code, or which spec? --all prints every code")
    sys.exit(work.explain(subject, key, profile, overrides, described, as_json))


@commands.command()
@json_option
def schema(as_json: bool) -> None:
    """Print the JSON Schema of specs, for editors; it is JSON either way."""
    from .commands import schema as work

    sys.exit(work.schema())


def _folder(context: click.Context, parameter: click.Parameter, written: str) -> Path:
    """A folder that is meant: an unset variable would stand for the current one."""
    if not written.strip():
        raise click.UsageError("DIR is empty; write . for the current folder", context)
    return Path(written)


@commands.command()
@click.argument("folder", metavar="DIR", callback=_folder)
@click.option("--family", default="gpt", show_default=True, metavar="NAME",
              help="What the first spec trains.")
@json_option
def init(folder: Path, family: str, as_json: bool) -> None:
    """Make a workspace in DIR, which may be a repository of yours: a commented spec, .gitignore, and a first build.

    \b
    expc init .                   in the current folder
    expc init my-experiments      in a new one

    Files that are there already are kept. Exit codes: 0 made, or a workspace already; 1 refused, nothing was made.
    """
    from .commands import init as work

    sys.exit(work.init(folder, family, as_json))


def main() -> None:
    """The `expc` program. A wrong use of the command line exits 64."""
    try:
        status = commands.main(standalone_mode=False)
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        click.echo(printable(said.getvalue()), err=True, nl=False)
        sys.exit(MISUSED if isinstance(error, click.UsageError) else error.exit_code)
    except click.Abort:
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
