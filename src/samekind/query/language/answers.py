"""What a language model says, made plain: one line of text, or a LanguageError that says what is wrong with it."""

from __future__ import annotations

import re
import unicodedata

from samekind.errors import LanguageError

LONGEST = 1000
"""Characters of an answer that still is a caption; text encoders read about 300 of them."""

_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>|^.*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_LABEL = re.compile(
    r"[\s*_#`\"“]*(?:(?:edited|new|target|final|modified|rewritten)\s+)?(?:image\s+|picture\s+)?"
    r"(?:description|caption)[*_`\"”]*\s*:[\s*_`]*",
    re.IGNORECASE,
)
_EDITED = re.compile(r"edited\s+(?:description|caption)[*_`\"”]*\s*:[\s*_`]*", re.IGNORECASE)
_PREAMBLE = re.compile(r"[^\n]*:\s*\n+(?=\s*\S)")
_FENCE = re.compile(r"^\s*```\w*\s*$", re.MULTILINE)
_REFUSAL = re.compile(
    r"(?:i['’]?m|i am)\s+(?:very\s+|so\s+)?(?:sorry|afraid|unable|not\s+able)\b|(?:i\s+apologi[sz]e|my\s+apologies)\b"
    r"|sorry\b|unfortunately\b|as\s+an\s+(?:ai|artificial)\b|i\s+(?:cannot|can['’]t|can\s+not|won['’]t|will\s+not)\b"
    r"|i\s+(?:do\s+not|don['’]t)\s+(?:see|have|know)\b|(?:there\s+is\s+)?no\s+(?:image|picture)\s+(?:was|is|has)\b"
    r"|please\s+(?:provide|upload|share|attach)\b",
    re.IGNORECASE,
)


def plain(text: str, who: str) -> str:
    """One line: the caption that an answer holds, without thoughts, labels, quotes and control characters.

    CIReVL's rewriter answers behind "Edited Description:" (Karthik et al. 2024, "Vision-by-Language for Training-Free
    Compositional Image Retrieval"); the label may be there, be another one, or be absent. ``who`` names who
    answered. Raises LanguageError where nothing is left, for a refusal, and for more than LONGEST characters.
    """
    text = _FENCE.sub("", _THOUGHT.sub("", text)).strip()
    labels = list(_EDITED.finditer(text))
    if labels:
        text = text[labels[-1].end() :]
    elif preamble := _PREAMBLE.match(text):
        text = text[preamble.end() :]
    text = _LABEL.sub("", text, count=1) if _LABEL.match(text) else text
    line = one_line(re.split(r"\n\s*\n", text.strip(), maxsplit=1)[0]).strip(" *`")
    if len(line) > 1 and (line[0], line[-1]) in {('"', '"'), ("“", "”"), ("'", "'"), ("‘", "’")}:
        line = line[1:-1].strip()
    if not any(char.isalnum() for char in line):
        raise LanguageError(f"{who} gave an empty answer; ask another model.")
    if _REFUSAL.match(line):
        raise LanguageError(f"{who} refused to answer ({line[:60]!r}); ask another model.")
    if len(line) > LONGEST:
        raise LanguageError(f"{who} gave {len(line)} characters where a caption was asked for; ask another model.")
    return line


def one_line(text: str) -> str:
    """The text with single spaces, without line breaks, control characters and halves of surrogates."""
    spaced = "".join(" " if char.isspace() else char for char in text)
    kept = (char for char in spaced if not unicodedata.category(char).startswith("C"))
    return " ".join("".join(kept).split())
