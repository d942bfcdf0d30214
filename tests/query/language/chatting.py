"""A chat endpoint on this machine that speaks the protocol, and every way in which such a thing fails."""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.encoders.server import listening

Answer = str | Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    def sent(self, body: bytes, status: int = 200, kind: str = "application/json", length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def said(self, content: object, finish: str = "stop", **more: Any) -> None:
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish, **more}
        self.sent(json.dumps({"object": "chat.completion", "choices": [choice]}).encode())

    def log_message(self, *_: object) -> None: ...


class Chat:
    """``answer`` says what comes back: the text of an answer, or what to do; ``asked`` holds each request."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: Answer = "a photo"
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.over = threading.Event()


@contextmanager
def chatting() -> Iterator[Chat]:
    chat = Chat()

    class Here(Handler):
        def do_POST(self) -> None:
            chat.paths.append(self.path)
            chat.headers.append(dict(self.headers))
            chat.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if isinstance(chat.answer, str):
                self.said(chat.answer)
            else:
                chat.answer(self)

    with listening(Here) as url:
        chat.url = f"{url}/v1"
        try:
            yield chat
        finally:
            chat.over.set()


def reset(handler: Handler) -> None:
    """The connection is torn down, not closed."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.rfile.close()
    handler.wfile = io.BytesIO()
    handler.connection.close()


def nobody() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"
