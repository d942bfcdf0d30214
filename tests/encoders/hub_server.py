"""The part of the model hub that fetching a repository needs, on this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.encoders.server import listening


@dataclass
class ServedHub:
    """A repository owner/name with the files of ``folder`` at ``commit``; ``asked`` collects what was asked for."""

    folder: Path
    commit: str
    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def serve_hub(folder: Path, commit: str) -> Iterator[ServedHub]:
    served = ServedHub(folder, commit)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            served.asked.append(path)
            if path in [f"/api/models/owner/name/revision/{name}" for name in ("main", served.commit)]:
                files = [{"rfilename": file.name} for file in sorted(served.folder.iterdir())]
                self.answer(json.dumps({"id": "owner/name", "sha": served.commit, "siblings": files}).encode())
                return
            if path == f"/api/models/owner/name/tree/{served.commit}":
                tree = [
                    {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0" * 40}
                    for file in sorted(served.folder.iterdir())
                ]
                self.answer(json.dumps(tree).encode())
                return
            for file in served.folder.iterdir():
                if path == f"/owner/name/resolve/{served.commit}/{file.name}":
                    content = file.read_bytes()
                    mark = hashlib.sha256(content).hexdigest()
                    self.answer(content, ETag=f'"{mark}"', **{"X-Repo-Commit": served.commit})
                    return
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound" if "/owner/name" not in path else "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def answer(self, content: bytes, **headers: str) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None: ...

    with listening(Handler) as url:
        served.url = url
        yield served
