"""Every error that samekind raises on purpose.

SamekindError                 the root; each message is one sentence: what, where, what to do
  UsageError                  the call is off: an unknown name, an impossible value
  PictureError                one picture cannot be used (carries a short reason code)
  StorageError                no space, no permission, a disk that fails
  MissingExtra                a part that is installed separately is not there
  CollectionError             a collection cannot be used as asked
    NotACollection            nothing there, or a folder that is something else
    NewerFormat               written by a later samekind
    DamagedCollection         parts are missing or unreadable
    CollectionBusy            another process is writing
  EncoderError                an encoder cannot be used as asked
    WeightsMissing            its weights are not on this machine and could not be fetched
    WrongWeights              a checksum or the golden vector does not agree
    EncoderMismatch           vectors of one encoder met a collection of another
  LanguageError               a captioner, a rewriter or a judge gave no answer that can be used
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_FOUND = 0
EXIT_NOTHING = 1
EXIT_USAGE = 2
EXIT_PARTIAL = 3
EXIT_INTERRUPTED = 130


class SamekindError(Exception):
    """The root of all errors that samekind raises on purpose."""

    exit_code = EXIT_USAGE


class UsageError(SamekindError):
    """The call is off: an unknown name, an impossible value, options that exclude each other."""


class PictureError(SamekindError):
    """One picture cannot be used. ``reason`` is a short code such as "broken" or "too many pixels"."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class StorageError(SamekindError):
    """Reading or writing failed: no space left, no permission, a disk that fails."""


class MissingExtra(SamekindError):
    """A part that is installed separately is not there; the message carries the install line."""


class CollectionError(SamekindError):
    """A collection cannot be used as asked."""


class NotACollection(CollectionError):
    """There is nothing at the path, or something that samekind did not write."""


class NewerFormat(CollectionError):
    """The collection was written by a later samekind."""


class DamagedCollection(CollectionError):
    """Parts of the collection are missing or unreadable."""


class CollectionBusy(CollectionError):
    """Another process is writing to the collection."""


class EncoderError(SamekindError):
    """An encoder cannot be used as asked."""


class WeightsMissing(EncoderError):
    """An encoder's weights are not on this machine and could not be fetched."""


class WrongWeights(EncoderError):
    """Weights do not have the pinned checksum, or do not reproduce the golden vector."""


class EncoderMismatch(EncoderError):
    """Vectors of one encoder met a collection of another."""


class LanguageError(SamekindError):
    """A captioner, a rewriter or a judge gave no answer that can be used."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """A UsageError that names what is known and, where one is near, the likely spelling."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UsageError(f"There is no {kind} {name!r}; known: {', '.join(names) or 'none'}.{hint}")
