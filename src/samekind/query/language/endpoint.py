"""Captioner, rewriter and judge over an OpenAI-compatible chat endpoint. The prompts are ours."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from typing import Any

from PIL import Image

from samekind.pictures.decode import Limits, decode
from samekind.query.language.answers import one_line, plain
from samekind.query.language.chat import Endpoint

PROMPT = 1
"""Raised whenever a prompt changes or pictures are sent in another way; part of every name."""

SIDE = 768
"""The longer side of a picture that is sent, in pixels."""

_CAPTION = (
    "You describe photographs for a search engine. Answer with one plain English sentence of at most 30 words that "
    "names the main things, their colours and materials, how many there are, and where they are. State what is there, "
    "never what is absent; do not guess names of people or brands. Give the sentence alone."
)
_REWRITE = (
    "You edit captions for a search engine. You get the caption of a picture and a change that somebody wants. Answer "
    "with the caption of the picture after the change, as somebody would describe it who never saw the first one. Keep "
    "from the caption what the change leaves alone; leave out what it removes or replaces and do not mention it, not "
    "even as absent. If the change goes against the caption, the change is right. One plain English sentence of at "
    "most 30 words, behind the words 'Edited Description:'.\n\n"
    "Caption: a brown dog and a ball on a lawn\nChange: no ball, and make it a cat\n"
    "Edited Description: a brown cat on a lawn"
)
_JUDGE = (
    "You check the results of a picture search. Answer with one word, yes or no: does the last picture show what is "
    "looked for? Where there are two pictures, the first one is where the search started, and what is looked for is "
    "that picture after the change."
)
_WORD = re.compile(r"[a-z]+")
_YES, _NO = ("yes", "true"), ("no", "false")


class EndpointCaptioner:
    """Captions by a model that sees pictures."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @property
    def name(self) -> str:
        """The model, where it is, and the prompt's version."""
        return _name(self._endpoint)

    def caption(self, picture: bytes) -> str:
        """What the model says. Raises LanguageError, or PictureError for a picture that cannot be decoded."""
        reply = self._endpoint.ask(_CAPTION, [shown(picture), _said("Describe this picture.")])
        return plain(reply.text, f"The language endpoint {self._endpoint.name}")


class EndpointRewriter:
    """Edited captions by a model that need not see (Karthik et al. 2024, CIReVL)."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @property
    def name(self) -> str:
        """The model, where it is, and the prompt's version."""
        return _name(self._endpoint)

    def rewrite(self, caption: str, change: str) -> str:
        """What the model says. Raises LanguageError."""
        question = f"Caption: {one_line(caption)}\nChange: {one_line(change)}"
        reply = self._endpoint.ask(_REWRITE, [_said(question)])
        return plain(reply.text, f"The language endpoint {self._endpoint.name}")


class EndpointJudge:
    """Yes or no by a model that sees pictures, as a probability where the endpoint tells it (after MM-Embed)."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @property
    def name(self) -> str:
        """The model, where it is, and the prompt's version."""
        return _name(self._endpoint)

    def judge(self, reference: bytes | None, change: str, candidate: bytes) -> float:
        """P(yes) / (P(yes) + P(no)) of the first token, or 1 and 0 where the endpoint tells no probabilities.

        Raises LanguageError, or PictureError for a picture that cannot be decoded.
        """
        looked_for = f"{'Looked for' if reference is None else 'Change'}: {one_line(change)}"
        pictures = [shown(one) for one in (reference, candidate) if one is not None]
        reply = self._endpoint.ask(_JUDGE, [*pictures, _said(looked_for)], logprobs=True, top_logprobs=5)
        yes, no = (sum(p for token, p in reply.first.items() if _word(token) in words) for words in (_YES, _NO))
        if yes + no > 0:
            return yes / (yes + no)
        answer = _word(plain(reply.text, f"The language endpoint {self._endpoint.name}"))
        if answer not in _YES + _NO:
            raise self._endpoint.failed("answers neither yes nor no; ask another model")
        return float(answer in _YES)


def shown(picture: bytes) -> dict[str, Any]:
    """A picture as a part of a question: an upright JPEG of at most SIDE pixels without the file's own data on place,
    time and camera. Raises PictureError."""
    image = Image.fromarray(decode(picture, Limits(), SIDE).pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    address = "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": address}}


def _said(text: str) -> Mapping[str, Any]:
    return {"type": "text", "text": text}


def _name(endpoint: Endpoint) -> str:
    return f"{endpoint.name}, prompt {PROMPT}"


def _word(text: str) -> str:
    found = _WORD.search(text.lower())
    return found[0] if found else ""
