"""What an encoder makes of texts, each encoded once: queries repeat their texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

Made = TypeVar("Made")

MOST, BATCH = 4_096, 64


class ByText(Generic[Made]):
    """``make`` by text: those that are not known go through it together, at most ``BATCH`` of them at a time.

    What was made is kept until there would be more than ``MOST``; then the latest of it is. Safe in several threads.
    """

    def __init__(self, make: Callable[[list[str]], Iterable[Made]]) -> None:
        self._make = make
        self._known: dict[str, Made] = {}

    def __call__(self, texts: Sequence[str]) -> list[Made]:
        """One for each text, in order. Raises what ``make`` raises."""
        known = self._known
        found = {text: known[text] for text in dict.fromkeys(texts) if text in known}
        lacking = [text for text in dict.fromkeys(texts) if text not in found]
        made: dict[str, Made] = {}
        for start in range(0, len(lacking), BATCH):
            some = lacking[start : start + BATCH]
            made.update(zip(some, self._make(some), strict=True))
        if lacking:
            kept = made if len(known) + len(made) > MOST else {**known, **made}
            self._known = {text: kept[text] for text in [*kept][-MOST:]}
        return [(made if text in made else found)[text] for text in texts]
