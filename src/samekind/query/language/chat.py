"""One question to an OpenAI-compatible chat endpoint, and every way in which no answer comes."""

from __future__ import annotations

import http.client
import ipaddress
import json
import math
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samekind.errors import LanguageError, UsageError
from samekind.settings import Settings, language_key

SECONDS = 30.0
LARGEST = 1 << 20
"""Bytes of a reply; a caption in JSON has about a thousand."""

_CHUNK = 1 << 16
_STATUS = {
    401: "does not accept the key; set SAMEKIND_LANGUAGE_KEY",
    403: "does not accept the key; set SAMEKIND_LANGUAGE_KEY",
    404: "knows no such address or model; check language_url and language_model",
    413: "takes no picture of this size; ask another model",
    429: "is asked too often; wait a while",
}


@dataclass(frozen=True)
class Reply:
    """What came back: ``text`` as it was sent, and the probabilities of the first token where they were told."""

    text: str
    first: Mapping[str, float]


@dataclass(frozen=True)
class Endpoint:
    """Where a model is asked: ``url`` up to and without /chat/completions; ``key`` is sent and shown to nobody.

    ``seconds`` is for a whole answer. Raises UsageError for a url that is none or that carries a password or a query,
    for an empty ``model``, and for a key that no header can hold.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    seconds: float = SECONDS

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", self.url.strip().rstrip("/"))
        try:
            parts = urllib.parse.urlsplit(self.url)
            whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            raise UsageError("language_url is no address; write one such as http://localhost:8000/v1.") from None
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise UsageError("language_url may hold no password and no query; give the key as SAMEKIND_LANGUAGE_KEY.")
        if not whole or not (self.url.isascii() and self.url.isprintable()) or " " in self.url:
            raise UsageError(f"language_url is {self.url!r}; write an address such as http://localhost:8000/v1.")
        if not self.model.strip():
            raise UsageError(f"No model is named for {self.url}; set language_model.")
        if not (self.key.isascii() and self.key.isprintable()):
            raise UsageError("The key in SAMEKIND_LANGUAGE_KEY holds characters that no key has; copy it again.")
        if not 0 < self.seconds < threading.TIMEOUT_MAX:
            raise UsageError(f"A time-out must be more than 0 seconds, not {self.seconds!r}.")

    @property
    def name(self) -> str:
        """The model and where it is."""
        return f"{self.model} at {self.url}"

    @property
    def is_here(self) -> bool:
        """Whether the endpoint is on this machine, by its address alone."""
        host = urllib.parse.urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def ask(self, system: str, content: Sequence[Mapping[str, Any]], **more: Any) -> Reply:
        """One question at temperature 0: what the model is told to do, then parts of text and pictures.

        Asked once; a second try would only make the person wait longer. Raises LanguageError for a connection that is
        refused, breaks off or gives no whole answer in time, for every status but 200, for what is no JSON or holds no
        text, and for an answer that is refused, cut off or longer than LARGEST.
        """
        messages = [{"role": "system", "content": system}, {"role": "user", "content": list(content)}]
        asked = {"model": self.model, "temperature": 0, "messages": messages, **more}
        return self._read(self._in_time(json.dumps(asked).encode()))

    def _in_time(self, body: bytes) -> bytes:
        """The reply's bytes. A thread waits for them: no time-out of a socket bounds names that are looked up slowly,
        or a server that sends a byte now and then."""
        came: queue.SimpleQueue[bytes | LanguageError] = queue.SimpleQueue()

        def wait() -> None:
            try:
                came.put(self._sent(body))
            except LanguageError as problem:
                came.put(problem)
            except Exception as problem:  # a thread that dies silently would look like a time-out
                came.put(self.failed(f"cannot be asked ({type(problem).__name__}); check language_url"))

        threading.Thread(target=wait, name="language", daemon=True).start()
        try:
            got = came.get(timeout=self.seconds)
        except queue.Empty:
            raise self._late() from None
        if isinstance(got, LanguageError):
            raise got
        return got

    def _sent(self, body: bytes) -> bytes:
        end = time.monotonic() + self.seconds
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        request = urllib.request.Request(f"{self.url}/chat/completions", body, headers, method="POST")
        if self.key:
            request.add_unredirected_header("Authorization", f"Bearer {self.key}")
        proxies = [urllib.request.ProxyHandler({})] if self.is_here else []
        try:
            with urllib.request.build_opener(_NoRedirect, *proxies).open(request, timeout=self.seconds) as reply:
                return self._whole(reply, end)
        except urllib.error.HTTPError as problem:
            problem.close()
            raise self.failed(
                _STATUS.get(problem.code, f"answers with status {problem.code}; check language_url and the server")
            ) from None
        except (OSError, http.client.HTTPException) as problem:
            reason = getattr(problem, "reason", problem)
            if isinstance(reason, TimeoutError):
                raise self._late() from None
            if isinstance(reason, ConnectionRefusedError):
                raise self.failed("refuses the connection; start it, or check language_url") from None
            if isinstance(reason, ConnectionError | http.client.IncompleteRead):
                raise self._broken() from None
            if isinstance(reason, http.client.HTTPException):
                raise self.failed("does not speak HTTP; check language_url") from None
            raise self.failed(f"cannot be reached ({str(reason) or type(reason).__name__}); check it") from None

    def _whole(self, reply: http.client.HTTPResponse, end: float) -> bytes:
        found = bytearray()
        while chunk := reply.read1(_CHUNK):
            found += chunk
            if len(found) > LARGEST:
                raise self.failed(f"sends more than {LARGEST} bytes where a caption was asked for; check language_url")
            if time.monotonic() > end:
                raise self._late()
        if reply.length:  # what was announced and did not come
            raise self._broken()
        return bytes(found)

    def _read(self, reply: bytes) -> Reply:
        try:
            found = json.loads(reply)
        except (ValueError, RecursionError):
            raise self.failed("answers with something that is no JSON; check language_url") from None
        choices = found.get("choices") if isinstance(found, dict) else None
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(message, dict):
            raise self.failed("gives no answer in its reply; check language_url and language_model")
        if message.get("refusal") or choice.get("finish_reason") == "content_filter":
            raise self.failed("refused to answer; ask another model")
        if choice.get("finish_reason") == "length":
            raise self.failed("gave an answer that is far too long and was cut off; ask another model")
        return Reply(_text(message.get("content")), _first(choice.get("logprobs")))

    def failed(self, what: str) -> LanguageError:
        """The error for something that this endpoint did: what, and behind a semicolon what to do."""
        return LanguageError(f"The language endpoint {self.name} {what}.")

    def _late(self) -> LanguageError:
        return self.failed(f"gave no answer within {self.seconds:g} seconds; see whether it runs, or ask another")

    def _broken(self) -> LanguageError:
        return self.failed("broke the connection off; see whether it still runs")


def endpoint_of(settings: Settings) -> Endpoint | None:
    """The endpoint of the settings with the key of the environment; None where no ``language_url`` is set.

    Raises UsageError for settings that make none, and for one on another machine where samekind works offline.
    """
    if not settings.language_url:
        return None
    endpoint = Endpoint(settings.language_url, settings.language_model, language_key())
    if settings.offline and not endpoint.is_here:
        raise UsageError(
            f"samekind is set to work offline and {endpoint.url} is not on this machine; unset language_url or offline."
        )
    return endpoint


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A picture goes where the person said, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _text(content: object) -> str:
    """The text of a message, which some servers send in parts; "" for anything else."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _first(logprobs: object) -> dict[str, float]:
    """token -> probability of what might have stood first; empty where the server does not tell."""
    try:
        told = logprobs["content"][0]["top_logprobs"]  # type: ignore[index]
        return {str(one["token"]): min(math.exp(min(float(one["logprob"]), 0.0)), 1.0) for one in told}
    except (TypeError, LookupError, ValueError):
        return {}
