"""Runs the installed command as a person would: a process of its own, with nothing of this machine's settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

COMMAND = Path(sys.executable).with_name("samekind")
_DROPPED = "--bounding-set=-dac_override,-dac_read_search"


@dataclass(frozen=True)
class Answer:
    """What a run gave: exit code, standard output as bytes, standard error as text."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def json(self) -> Any:
        """The one object on standard output; nothing else may be there."""
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one line of an error, without the command's name; nothing else may have been said."""
        start, end = "samekind: ", "\n"
        assert self.err.startswith(start), self.err
        assert self.err.endswith(end), self.err
        assert self.err.count(end) == 1, self.err
        assert self.raw == b""
        return self.err.removeprefix(start).removesuffix(end)


@dataclass(frozen=True)
class Command:
    """The command in folder ``cwd``, with settings and weights kept in ``home``."""

    cwd: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SAMEKIND_", "XDG_"))}
        return clean | {
            "HOME": str(self.home),
            "SAMEKIND_CACHE": str(self.home / "cache"),
            "SAMEKIND_OFFLINE": "1",
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "TERM": "dumb",
        }

    def __call__(
        self, *words: str | Path, stdin: bytes = b"", like_anyone: bool = False, seconds: float = 300, **variables: str
    ) -> Answer:
        """Runs it to its end. ``like_anyone``: even the superuser is held to permissions."""
        run = subprocess.run(
            self.line(*words, like_anyone=like_anyone),
            cwd=self.cwd,
            env=self.environment | variables,
            input=stdin,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        return Answer(run.returncode, run.stdout, run.stderr.decode())

    def into(self, stream: IO[bytes], *words: str | Path) -> tuple[int, str]:
        """Exit code and standard error of a run whose standard output is ``stream``."""
        run = subprocess.run(
            self.line(*words), cwd=self.cwd, env=self.environment, stdout=stream, stderr=subprocess.PIPE, check=False
        )
        return run.returncode, run.stderr.decode()

    def shell(self, script: str, *words: str) -> Answer:
        """Runs a shell script where it may mount file systems that nobody else sees; $1, $2 ... are ``words``."""
        run = subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *words],
            cwd=self.cwd,
            env=self.environment,
            capture_output=True,
            timeout=300,
            check=False,
        )
        return Answer(run.returncode, run.stdout, run.stderr.decode())

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """Starts it and comes back at once."""
        return subprocess.Popen(
            self.line(*words), cwd=self.cwd, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def line(self, *words: str | Path, like_anyone: bool = False) -> list[str]:
        drop = ["setpriv", _DROPPED] if like_anyone and os.geteuid() == 0 else []
        return [*drop, str(COMMAND), *map(str, words)]


@cache
def permissions_hold() -> bool:
    """Whether ``like_anyone`` can be kept here: for people always, for the superuser where rights can be dropped."""
    if os.geteuid() != 0:
        return True
    if shutil.which("setpriv") is None:
        return False
    return subprocess.run(["setpriv", _DROPPED, "true"], capture_output=True, check=False).returncode == 0
