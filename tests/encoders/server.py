"""A web server on this machine that can break off, lie about ranges, or send wrong bytes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Served:
    """What the server does; ``asked`` collects the Range header of each request."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.url = ""
        self.asked: list[str | None] = []
        self.break_after: list[int] = []  # bytes to send before breaking off, one entry a request
        self.ranges = True
        self.status = 200


@contextmanager
def serve(content: bytes) -> Iterator[Served]:
    served = Served(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            served.asked.append(asked)
            if served.status != 200:
                self.send_error(served.status)
                return
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and served.ranges else 0
            if start and start >= len(served.content):
                self.send_error(416)
                return
            body = served.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            stop = served.break_after.pop(0) if served.break_after else len(body)
            self.wfile.write(body[:stop])

        def log_message(self, *_: object) -> None: ...

    with listening(Handler) as url:
        served.url = f"{url}/file"
        yield served


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server that answers by ``handler`` meanwhile."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
