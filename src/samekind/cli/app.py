"""The command: one verb a file, imported when it is called."""

from __future__ import annotations

import faulthandler
import importlib
import logging
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import typer
import typer.core

from samekind.errors import EXIT_INTERRUPTED, EXIT_USAGE, SamekindError, unknown_name

VERBS = {
    "demo": "Draw a small world (or take a folder of yours), search it, show how well it went.",
    "sync": "Bring a collection up to date with folders of pictures, and tune it.",
    "search": "Find the same kind of thing by picture, by words, or by both.",
    "explain": "Why a picture was found.",
    "eyes": "The marks that were kept of a collection's searches, by name.",
    "kinds": "What a collection is made of, found without labels.",
    "tune": "Fit a collection to its own pictures again.",
    "migrate": "Change a collection's encoder, while it is searched with the one before.",
    "info": "What a collection holds, how it was tuned, how large it is.",
    "list": "The pictures of a collection.",
    "remove": "Take pictures out of a collection (the files stay).",
    "relocate": "Tell a collection that a folder has moved.",
    "undo": "Go back to before the last sync.",
    "purge": "Forget pictures that are missing.",
    "adapt": "Fit one encoder to several collections, without labels.",
    "evaluate": "Measure search on labelled pictures.",
    "encoders": "List, fetch or import encoders.",
    "check-encoder": "Whether an encoder is what it should be, and hears word order.",
    "config": "Every setting, its value, and who set it.",
}

# Typer has a copy of click of its own in newer versions and names only this one of its errors.
_CallError: type[Any] = typer.BadParameter.__bases__[0]


class LazyGroup(typer.core.TyperGroup):
    """Knows every verb by name and imports the file of one only when it is called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """All verbs, in the order people meet them."""
        return list(VERBS)

    def get_command(self, ctx: typer.Context, name: str) -> Any:  # type: ignore[override]
        """A stand-in that knows the verb's help line, enough for the overview."""
        return typer.core.TyperCommand(name, help=VERBS[name], short_help=VERBS[name]) if name in VERBS else None

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """The verb that is called, its file imported now. Raises UsageError for an unknown one."""
        if not args[0].startswith("-") and args[0] not in VERBS:
            raise unknown_name("command", args[0], VERBS)
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None:
            module = importlib.import_module(f"samekind.cli.{name.replace('-', '_')}_verb")
            command = typer.main.get_command(module.app)
            command.name = name
        return name, command, rest

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Runs the verb; errors become one sentence on standard error and an exit code."""
        try:
            return super().invoke(ctx)
        except SamekindError as error:
            _say(str(error))
            raise typer.Exit(error.exit_code) from None
        except _CallError as error:
            verb = error.ctx.command_path.partition(" ")[2] if error.ctx else ""
            _say(f"{error.format_message().rstrip('.')}; see samekind {verb} --help.")
            raise typer.Exit(EXIT_USAGE) from None
        except KeyboardInterrupt:
            _say("Interrupted; what was finished is kept.")
            raise typer.Exit(EXIT_INTERRUPTED) from None


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the same kind of thing in your own collections of pictures.",
)


@app.callback()
def _root() -> None:
    pass


def main() -> None:
    """The installed command."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _open_closed_streams()
    _mute_libraries()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as problem:  # the rooms translate their own; what is left is the writing of results
        _say(f"{problem.filename or 'Standard output'} cannot be written ({problem.strerror or problem}).")
        _redirect(sys.stdout.fileno(), os.devnull)
        sys.exit(EXIT_USAGE)


def _open_closed_streams() -> None:
    """Where a stream was closed from outside, a table file could take its number and receive what is printed."""
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(spare)
    for handle, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(handle, "w", encoding="utf-8"))


def _mute_libraries() -> None:
    """Drops what libraries print at damaged files: warnings, logs, and what C code writes to standard error itself.

    What this command says still arrives, and so does the traceback of a crash.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    kept = os.dup(sys.stderr.fileno())
    _redirect(sys.stderr.fileno(), os.devnull)
    sys.stderr = os.fdopen(kept, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")
    faulthandler.enable(sys.stderr)


def _redirect(handle: int, file: str) -> None:
    with Path(file).open("wb") as stream:
        os.dup2(stream.fileno(), handle)


def _say(sentence: str) -> None:
    sys.stderr.write(f"samekind: {sentence}\n")
