"""What is kept, for whom, and that failures never are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from samekind.collection.pipeline import hash_bytes
from samekind.errors import LanguageError
from samekind.query.language.cached import CachedCaptioner, CachedRewriter
from samekind.query.language.chat import Endpoint
from samekind.query.language.endpoint import EndpointRewriter
from tests.query.language.chatting import chatting


class Asked:
    """Captioner and rewriter that count, and fail where they are told to."""

    def __init__(self, name: str = "asked, prompt 1") -> None:
        self.name = name
        self.times = 0
        self.fails = False

    def caption(self, picture: bytes) -> str:
        return self._answer(f"a picture of {len(picture)} bytes")

    def rewrite(self, caption: str, change: str) -> str:
        return self._answer(f"{caption}, {change}")

    def _answer(self, text: str) -> str:
        self.times += 1
        if self.fails:
            raise LanguageError("No answer.")
        return text


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "language"


def test_each_question_is_asked_once(cache: Path) -> None:
    asked = Asked()
    captioner, rewriter = CachedCaptioner(asked), CachedRewriter(asked)
    assert captioner.name == rewriter.name == asked.name
    for _ in range(2):
        assert captioner.caption(b"one") == "a picture of 3 bytes"
        assert captioner.caption(b"another") == "a picture of 7 bytes"
        assert rewriter.rewrite("a", "b") == "a, b"
        assert rewriter.rewrite("a, b", "") == "a, b, "
        assert rewriter.rewrite("a", "b, ") == "a, b, "
    assert asked.times == 5
    key = hash_bytes(json.dumps([asked.name, hash_bytes(b"one")]).encode())
    kept = json.loads((cache / "captions" / f"{key}.json").read_text())
    assert kept == {"by": asked.name, "text": "a picture of 3 bytes"}
    assert not list(cache.rglob(".*"))


def test_another_name_is_asked_anew() -> None:
    first, second = Asked(), Asked("asked, prompt 2")
    CachedCaptioner(first).caption(b"one")
    CachedCaptioner(second).caption(b"one")
    assert (first.times, second.times) == (1, 1)


def test_what_failed_is_not_kept(cache: Path) -> None:
    asked = Asked()
    asked.fails = True
    for _ in range(2):
        with pytest.raises(LanguageError):
            CachedCaptioner(asked).caption(b"one")
    assert asked.times == 2
    assert not [file for file in cache.rglob("*") if file.is_file()]
    asked.fails = False
    assert CachedCaptioner(asked).caption(b"one") == "a picture of 3 bytes"


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"[]", b"[" * 100_000, b'{"by": "x", "text": "a"}', b"{}"])
def test_a_damaged_file_is_written_again(cache: Path, damage: bytes) -> None:
    asked = Asked()
    CachedCaptioner(asked).caption(b"one")
    [file] = (cache / "captions").iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert CachedCaptioner(asked).caption(b"one") == "a picture of 3 bytes"
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_no_answer(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    assert CachedCaptioner(Asked()).caption(b"one") == "a picture of 3 bytes"


def test_the_key_is_not_kept(cache: Path) -> None:
    with chatting() as chat:
        endpoint = Endpoint(chat.url, "m", "sk-secret")
        CachedRewriter(EndpointRewriter(endpoint)).rewrite("a", "b")
    [file] = (cache / "rewrites").iterdir()
    assert "sk-secret" not in file.read_text()


_WRITES = """
import sys
from samekind.query.language.cached import CachedRewriter
class Slow:
    name = "slow"
    def rewrite(self, caption, change):
        return caption * 2000
for turn in range(40):
    for letter in "abc":
        assert CachedRewriter(Slow()).rewrite(letter, "x") == letter * 2000
    if turn % 4 == 0:
        from samekind.settings import cache_folder
        for file in (cache_folder() / "language" / "rewrites").glob("[!.]*"):
            file.unlink(missing_ok=True)
"""


def test_two_processes_at_once(cache: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", _WRITES], stderr=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(2)
    ]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert not list(cache.rglob(".*"))
