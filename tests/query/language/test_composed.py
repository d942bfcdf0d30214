"""Caption, then rewrite, and what happens where one of them gives nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from samekind.errors import LanguageError, MissingExtra, PictureError, UsageError
from samekind.query.language.chat import Endpoint
from samekind.query.language.composed import PERSON, Rewritten, composed_by_language
from samekind.query.language.endpoint import EndpointCaptioner, EndpointRewriter
from tests.query.language.chatting import Chat, Handler, chatting, nobody
from tests.query.language.test_endpoint import picture

CONCEPTS = [("kettle", 0.8), ("stove", 0.6)]


@pytest.fixture
def chat() -> Iterator[Chat]:
    with chatting() as found:
        yield found


def by_endpoint(url: str, change: str, seconds: float = 20, **more: str) -> Rewritten:
    endpoint = Endpoint(url, "m", "sk-secret", seconds)
    return composed_by_language(
        picture(), change, EndpointCaptioner(endpoint), EndpointRewriter(endpoint), CONCEPTS, **more
    )


def test_without_anybody_rules_do_it() -> None:
    found = composed_by_language(b"", "remove the stove", concepts=CONCEPTS)
    assert found == Rewritten("a photo of a kettle and a stove", "remove the stove", "a photo of a kettle", "rules")
    assert found.to_dict() == {
        "caption": "a photo of a kettle and a stove",
        "change": "remove the stove",
        "text": "a photo of a kettle",
        "by": "rules",
        "fell_back": None,
    }
    assert composed_by_language(b"", "add a cat").text == "a photo with a cat"


def test_an_endpoint_captions_and_rewrites(chat: Chat) -> None:
    answers = iter(["a red kettle", "Edited Description: a blue kettle"])
    chat.answer = lambda handler: handler.said(next(answers))
    found = by_endpoint(chat.url, "make it blue")
    assert found == Rewritten("a red kettle", "make it blue", "a blue kettle", f"m at {chat.url}, prompt 1")


def test_an_empty_change_is_the_caption_and_asks_no_rewriter(chat: Chat) -> None:
    chat.answer = "a red kettle"
    found = by_endpoint(chat.url, " \n")
    assert (found.text, found.by, len(chat.asked)) == ("a red kettle", f"m at {chat.url}, prompt 1", 1)


def test_a_text_of_the_person_asks_nobody(chat: Chat) -> None:
    found = by_endpoint(chat.url, "make it blue", text=" a teal\nkettle ")
    assert found == Rewritten("", "make it blue", "a teal kettle", PERSON)
    assert not chat.asked
    with pytest.raises(UsageError, match="edited text is empty"):
        by_endpoint(chat.url, "make it blue", text=" \n")


def test_without_a_captioner_rules_do_both_and_nobody_waits_twice(chat: Chat) -> None:
    chat.answer = lambda _: chat.over.wait()
    found = by_endpoint(chat.url, "remove the stove", seconds=0.3)
    assert (found.caption, found.text, found.by) == ("a photo of a kettle and a stove", "a photo of a kettle", "rules")
    assert found.fell_back is not None
    assert found.fell_back.startswith("Went by rules instead: The language endpoint m at")
    assert "within 0.3 seconds" in found.fell_back
    assert "sk-secret" not in found.fell_back
    assert len(chat.asked) == 1


def test_without_a_rewriter_rules_rewrite_the_caption_that_is_there(chat: Chat) -> None:
    def once(handler: Handler) -> None:
        if len(chat.asked) == 1:
            handler.said("A red kettle on a stove.")
        else:
            handler.sent(b"", 500)

    chat.answer = once
    found = by_endpoint(chat.url, "no stove")
    assert (found.caption, found.text, found.by) == ("A red kettle on a stove.", "A red kettle.", "rules")
    assert found.fell_back is not None
    assert "status 500" in found.fell_back


def test_a_refused_connection_falls_back() -> None:
    found = by_endpoint(nobody(), "")
    assert (found.text, found.by) == ("a photo of a kettle and a stove", "rules")
    assert found.fell_back is not None
    assert "refuses the connection" in found.fell_back


class Fails:
    name = "fails"

    def __init__(self, problem: Exception) -> None:
        self._problem = problem

    def caption(self, picture: bytes) -> str:
        raise self._problem

    def rewrite(self, caption: str, change: str) -> str:
        raise self._problem


@pytest.mark.parametrize("problem", [MissingExtra("pip"), PictureError("broken"), RuntimeError("a bug")])
def test_only_bad_answers_fall_back(problem: Exception) -> None:
    with pytest.raises(type(problem)):
        composed_by_language(b"", "a", captioner=Fails(problem))
    with pytest.raises(type(problem)):
        composed_by_language(b"", "a", rewriter=Fails(problem))
    assert composed_by_language(b"", "a", rewriter=Fails(LanguageError("No answer."))).by == "rules"
