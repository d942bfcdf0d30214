"""The endpoint against a real server: what is sent, what is understood, and every failure as one sentence."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from samekind.errors import LanguageError, PictureError, UsageError
from samekind.query.language.answers import LONGEST, plain
from samekind.query.language.chat import LARGEST, Endpoint, endpoint_of
from samekind.query.language.endpoint import SIDE, EndpointCaptioner, EndpointJudge, EndpointRewriter
from samekind.settings import Settings, resolve
from tests.query.language.chatting import Chat, Handler, chatting, nobody, reset

KEY = "sk-a-very-secret-key"


def picture(width: int = 40, height: int = 30, colour: str = "red") -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    Image.new("RGB", (width, height), colour).save(file, "JPEG", exif=exif)
    return file.getvalue()


@pytest.fixture
def chat() -> Iterator[Chat]:
    with chatting() as found:
        yield found


def endpoint(chat: Chat, seconds: float = 20) -> Endpoint:
    return Endpoint(chat.url, "small-model", KEY, seconds)


def test_a_caption_is_asked_with_the_picture_and_at_temperature_zero(chat: Chat) -> None:
    chat.answer = ' "A red wall." \n'
    captioner = EndpointCaptioner(endpoint(chat))
    assert captioner.caption(picture(2000, 1000)) == "A red wall."
    [asked], [headers] = chat.asked, chat.headers
    assert chat.paths == ["/v1/chat/completions"]
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert (asked["model"], asked["temperature"]) == ("small-model", 0)
    image = asked["messages"][1]["content"][0]
    head, _, body = image["image_url"]["url"].partition(",")
    assert (image["type"], head) == ("image_url", "data:image/jpeg;base64")
    sent = base64.b64decode(body)
    assert Image.open(io.BytesIO(sent)).size == (SIDE, SIDE // 2)
    assert b"where I live" not in sent
    assert captioner.name == f"small-model at {chat.url}, prompt 1"
    assert KEY not in captioner.name + repr(endpoint(chat))


def test_without_a_key_none_is_sent(chat: Chat) -> None:
    EndpointCaptioner(Endpoint(chat.url + "/", "m")).caption(picture())
    assert "Authorization" not in chat.headers[0]
    assert chat.paths == ["/v1/chat/completions"]


def test_a_rewrite_is_asked_with_the_caption_and_the_change_on_lines_of_their_own(chat: Chat) -> None:
    chat.answer = "Edited Description: a blue kettle"
    assert EndpointRewriter(endpoint(chat)).rewrite("a red kettle", "make it\nblue") == "a blue kettle"
    assert chat.asked[0]["messages"][1]["content"] == [
        {"type": "text", "text": "Caption: a red kettle\nChange: make it blue"}
    ]


@pytest.mark.parametrize(
    "answer",
    [
        "a blue kettle",
        "Edited Description: a blue kettle",
        "**Edited Description:** a blue kettle\n",
        "edited description: 'a blue kettle'",
        "Caption: a blue kettle",
        "Here is the edited caption:\n\n“a blue kettle”",
        "<think>The Edited Description: should\n be blue.</think>\n\na blue kettle",
        "the kettle was red.</think>a blue kettle",
        "```text\na blue kettle\n```",
        "The change is to blue.\n\nEdited Description: a blue kettle\n\nI hope that this helps!",
        "a blue\n   kettle\x1b\x00",
    ],
)
def test_answers_of_many_manners_are_understood(answer: str) -> None:
    assert plain(answer, "it").replace("[31m", "") == "a blue kettle"


@pytest.mark.parametrize(
    "answer",
    [
        "A sorry looking dog that is unable to stand",
        "An image description board: with letters",
        "No dog, only a cat",
        "Please-do-not-enter sign on a door",
    ],
)
def test_captions_that_look_like_something_else_stay(answer: str) -> None:
    assert plain(answer, "it") == answer


def test_content_may_come_in_parts(chat: Chat) -> None:
    parts = [{"type": "text", "text": "a red"}, {"type": "text", "text": " wall"}, {"type": "other"}, 3]
    chat.answer = lambda handler: handler.said(parts)
    assert EndpointCaptioner(endpoint(chat)).caption(picture()) == "a red wall"


def _choice(**choice: object) -> Callable[[Handler], None]:
    return lambda handler: handler.sent(json.dumps({"choices": [choice]}).encode())


def _body(body: bytes, status: int = 200, kind: str = "application/json") -> Callable[[Handler], None]:
    return lambda handler: handler.sent(body, status, kind)


FAILURES: dict[str, tuple[str | Callable[[Handler], None], str]] = {
    "500": (_body(b"oh " + KEY.encode(), 500), "status 500"),
    "503": (_body(b"", 503), "status 503"),
    "400": (_body(b"{}", 400), "status 400"),
    "401": (_body(f"bad key {KEY}".encode(), 401), "does not accept the key"),
    "404": (_body(b"", 404), "no such address or model"),
    "429": (_body(b"", 429), "asked too often"),
    "302": (_body(b"", 302), "status 302"),
    "204": (_body(b"", 204), "no JSON"),
    "garbage": (_body(bytes(range(256))), "no JSON"),
    "html": (_body(b"<!doctype html><p>Log in", 200, "text/html"), "no JSON"),
    "nothing": (_body(b""), "no JSON"),
    "deep": (_body(b"[" * 200_000), "no JSON"),
    "a number": (_body(b"3"), "gives no answer"),
    "no choices": (_body(b'{"choices": []}'), "gives no answer"),
    "odd choices": (_body(b'{"choices": {"0": 1}}'), "gives no answer"),
    "odd choice": (_body(b'{"choices": [null]}'), "gives no answer"),
    "an error with 200": (_body(b'{"error": {"message": "overloaded"}}'), "gives no answer"),
    "no message": (_choice(finish_reason="stop"), "gives no answer"),
    "no content": (_choice(message={"content": None}), "empty answer"),
    "odd content": (_choice(message={"content": {"a": 1}}), "empty answer"),
    "empty": ("  \n ", "empty answer"),
    "only a label": ("Edited Description:", "empty answer"),
    "only thoughts": ("<think>hm</think>", "empty answer"),
    "only signs": ("...", "empty answer"),
    "refusal": ("I'm sorry, but I can't help with that.", "refused"),
    "curly refusal": ("I’m unable to view pictures.", "refused"),
    "no picture": ("Please provide the image.", "refused"),
    "refusal field": (_choice(message={"content": None, "refusal": "No."}), "refused"),
    "filter": (_choice(message={"content": "a"}, finish_reason="content_filter"), "refused"),
    "cut off": (_choice(message={"content": "a wall and a"}, finish_reason="length"), "far too long"),
    "long": ("word " * LONGEST, "characters where a caption was asked for"),
    "huge": (_body(b" " * (LARGEST + 1)), "bytes where a caption was asked for"),
    "reset": (reset, "broke the connection off"),
    "short": (lambda handler: handler.sent(b'{"choices"', length=500), "broke the connection off"),
    "closed": (lambda handler: None, "broke the connection off"),
    "no http": (lambda handler: handler.wfile.write(b"220 mail ready\r\n") and None, "does not speak HTTP"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_is_one_sentence_without_the_key(chat: Chat, name: str) -> None:
    chat.answer, wanted = FAILURES[name]
    for ask in (
        lambda: EndpointCaptioner(endpoint(chat)).caption(picture()),
        lambda: EndpointRewriter(endpoint(chat)).rewrite("a wall", "blue"),
        lambda: EndpointJudge(endpoint(chat)).judge(None, "a wall", picture()),
    ):
        with pytest.raises(LanguageError, match=wanted) as problem:
            ask()
        said = str(problem.value)
        assert f"small-model at {chat.url}" in said
        assert KEY not in said
        assert "\n" not in said
        assert said.endswith(".")
    assert len(chat.asked) == 3, "asked once each"


def test_a_refused_connection() -> None:
    with pytest.raises(LanguageError, match="refuses the connection"):
        EndpointRewriter(Endpoint(nobody(), "m")).rewrite("a", "b")


def _drips(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:  # ends when the other side is gone
        handler.wfile.write(b" ")
        time.sleep(0.05)


def test_a_server_that_hangs_or_drips_is_left_alone(chat: Chat) -> None:
    for answer in (lambda _: chat.over.wait(), _drips):
        chat.answer = answer
        with pytest.raises(LanguageError, match=r"no answer within 0.3 seconds"):
            EndpointRewriter(endpoint(chat, 0.3)).rewrite("a", "b")


def test_a_redirect_is_not_followed(chat: Chat) -> None:
    def away(handler: Handler) -> None:
        handler.send_response(307)
        handler.send_header("Location", f"{chat.url}/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    chat.answer = away
    with pytest.raises(LanguageError, match="status 307"):
        EndpointRewriter(endpoint(chat)).rewrite("a", "b")
    assert chat.paths == ["/v1/chat/completions"]


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", nobody())
    assert EndpointRewriter(endpoint(chat)).rewrite("a", "b") == "a photo"


def test_a_broken_picture_is_not_sent(chat: Chat) -> None:
    with pytest.raises(PictureError):
        EndpointCaptioner(endpoint(chat)).caption(b"no picture")
    assert not chat.asked


def _told(**chances: float) -> Callable[[Handler], None]:
    import math

    first = [{"token": token.replace("_", " "), "logprob": math.log(p)} for token, p in chances.items()]
    return lambda handler: handler.said("Yes", logprobs={"content": [{"token": "Yes", "top_logprobs": first}]})


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("Yes.", 1.0),
        ("no", 0.0),
        ("**True**", 1.0),
        (_told(Yes=0.5, yes=0.1, No=0.15, maybe=0.2), 0.8),
        (_told(_No=0.9, _yes=0.1), 0.1),
        (lambda handler: handler.said("Yes", logprobs={"content": []}), 1.0),
        (lambda handler: handler.said("no", logprobs={"content": [{"top_logprobs": [{"token": 1}]}]}), 0.0),
    ],
)
def test_a_judge_says_how_sure_it_is(chat: Chat, answer: str | Callable[[Handler], None], wanted: float) -> None:
    chat.answer = answer
    judge = EndpointJudge(endpoint(chat))
    assert judge.judge(picture(), "blue", picture(colour="blue")) == pytest.approx(wanted)
    assert [part["type"] for part in chat.asked[0]["messages"][1]["content"]] == ["image_url", "image_url", "text"]
    assert judge.judge(None, "blue", picture()) == pytest.approx(wanted)
    assert [part["type"] for part in chat.asked[1]["messages"][1]["content"]] == ["image_url", "text"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://a/v1",
        "file:///etc/passwd",
        "http://",
        "http://a:b/v1",
        "http://a:0/v1",
        "http://[::1/v1",
        "http://me:secret@a/v1",
        "http://a/v1?key=secret",
        "http://a/v 1",
        "http://ä/v1",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(UsageError) as problem:
        Endpoint(url, "m")
    assert "secret" not in str(problem.value)


def test_what_else_makes_no_endpoint() -> None:
    with pytest.raises(UsageError, match="language_model"):
        Endpoint("http://a/v1", " ")
    with pytest.raises(UsageError, match="SAMEKIND_LANGUAGE_KEY") as problem:
        Endpoint("http://a/v1", "m", "secret\nX: y")
    assert "secret" not in str(problem.value)
    for seconds in (0, -1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="time-out"):
            Endpoint("http://a/v1", "m", seconds=seconds)


def test_an_endpoint_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert endpoint_of(Settings()) is None
    monkeypatch.setenv("SAMEKIND_LANGUAGE_URL", "http://localhost:8000/v1")
    monkeypatch.setenv("SAMEKIND_LANGUAGE_MODEL", "m")
    monkeypatch.setenv("SAMEKIND_LANGUAGE_KEY", f" {KEY}\n")
    settings = resolve()
    assert KEY not in repr(settings)
    assert endpoint_of(settings) == Endpoint("http://localhost:8000/v1", "m", KEY)
    for here in ("http://localhost/v1", "http://127.0.0.1:1/v1", "http://[::1]/v1"):
        assert endpoint_of(Settings(language_url=here, language_model="m", offline=True))
    with pytest.raises(UsageError, match="offline"):
        endpoint_of(Settings(language_url="http://example.org/v1", language_model="m", offline=True))


def test_a_collection_cannot_say_where_pictures_are_sent() -> None:
    with pytest.raises(UsageError, match="A collection cannot set language_url"):
        resolve(collection_file={"language_url": "http://example.org/v1"})
