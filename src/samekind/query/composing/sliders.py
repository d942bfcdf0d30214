"""Which method composes a query, and its two sliders."""

from __future__ import annotations

from dataclasses import dataclass

from samekind.query.composing import USUAL, find_method

LEARNED = "learned"
"""The method that a collection learned on itself (`learned/`)."""


@dataclass(frozen=True)
class Sliders:
    """The ``method`` of composing and its two sliders; None: as usual."""

    method: str | None = None
    change: float | None = None
    keep: float | None = None

    def usual(self) -> tuple[str, float, float]:
        """With what is usual where nothing was said. Raises UsageError for an unknown method or an impossible value."""
        name = USUAL if self.method is None else self.method
        how = find_method(USUAL if name == LEARNED else name, self.change, self.keep)
        return (
            name,
            how.change if self.change is None else self.change,
            how.keep if self.keep is None else self.keep,
        )
