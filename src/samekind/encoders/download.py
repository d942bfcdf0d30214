"""Fetching one file over HTTP, continued where an earlier attempt stopped."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path

from samekind.errors import StorageError, WrongWeights
from samekind.events import Event, Progress

_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 30
_TRIES_WITHOUT_PROGRESS = 3


class Unreachable(Exception):
    """A source cannot be reached or does not have the file; the message says why."""


def download(url: str, part: Path, stage: str) -> Generator[Event, None, None]:
    """Brings ``part`` up to the whole file at ``url``, with Progress in bytes; raises Unreachable.

    Bytes already in ``part`` are kept and only the rest is asked for. Several processes may do this to one ``part``
    at once: each byte is written at its own place, so they write the same thing.
    """
    tries = 0
    while tries < _TRIES_WITHOUT_PROGRESS:
        before = _size(part)
        try:
            if (yield from _continue(url, part, stage)):
                return
            problem = "the connection broke off"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                raise Unreachable(f"the server answers {error.code} {error.reason}") from None
            problem = str(getattr(error, "reason", error))
        tries = 0 if _size(part) > before else tries + 1
    raise Unreachable(problem)


def _continue(url: str, part: Path, stage: str) -> Generator[Event, None, bool]:
    """One connection: True when the file is whole."""
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        reply = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is left beyond what we have
            return True
        raise
    with reply:
        done = start if reply.status == 206 else 0
        length = reply.headers.get("Content-Length")
        total = done + int(length) if length else None
        try:
            with part.open("r+b" if part.exists() else "wb") as file:
                file.seek(done)
                while chunk := reply.read(_CHUNK):
                    file.write(chunk)
                    done += len(chunk)
                    yield Progress(stage, done, total)
                file.truncate(done)
        except OSError as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise
            raise StorageError(f"{part} cannot be written ({error}); make room or set SAMEKIND_CACHE.") from error
    return total is None or done >= total


def check_sha256(path: Path, expected: str, what: str) -> None:
    """Raises WrongWeights, and removes the file, unless its sha256 is the expected one."""
    found = file_sha256(path)
    if found != expected:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise WrongWeights(f"{what} has sha256 {found[:16]}..., not the pinned {expected[:16]}...; it was not used.")


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def wheel_url(package: str, version: str) -> str:
    """Where the configured package index keeps a wheel, as pip resolves it; raises Unreachable."""
    wanted = [f"{package}=={version}", "--no-deps", "--only-binary", ":all:", *_PIP_QUIET]
    reply = _pip(["install", "--dry-run", "--ignore-installed", "--report", "-", *wanted])
    try:
        return str(json.loads(reply)["install"][0]["download_info"]["url"])
    except (ValueError, LookupError, TypeError):
        raise Unreachable("pip did not say where the wheel is") from None


def pip_download(package: str, version: str, folder: Path) -> Path:
    """The wheel, fetched by pip itself, which knows proxies and certificates that we do not; raises Unreachable."""
    _pip(
        ["download", f"{package}=={version}", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), *_PIP_QUIET]
    )
    wheels = list(folder.glob("*.whl"))
    if not wheels:
        raise Unreachable("pip fetched nothing")
    return wheels[0]


_PIP_QUIET = ["--quiet", "--retries", "1", "--timeout", str(_TIMEOUT_SECONDS)]


def _pip(arguments: list[str]) -> str:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip"]
    else:  # environments made by other tools have none of their own
        anywhere = shutil.which("pip3") or shutil.which("pip")
        if not anywhere:
            raise Unreachable("pip is not installed")
        command = [anywhere]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise Unreachable(lines[-1].removeprefix("ERROR: ") if lines else "pip failed")
    return done.stdout


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
