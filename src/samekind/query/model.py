"""A question in typed parts, each with its own weight, and what makes no question."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from samekind.collection.where import Where as Filter
from samekind.errors import UsageError
from samekind.query import plain
from samekind.query.parts import KINDS, SHOWN, Drop, Keep, Like, Part, Picture, Unlike, Vector, Where, Words, pull

__all__ = ["Drop", "Keep", "Like", "Part", "Picture", "Query", "Unlike", "Vector", "Where", "Words"]


@dataclass(frozen=True, init=False)
class Query:
    """What is asked for: the sum of the parts' unit vectors in the searched space, each times its weight.

    Raises UsageError for a question without anything to look for (no parts, filters or weights of zero only, things to
    keep or to keep away from only), and for one that contradicts itself.
    """

    parts: tuple[Part, ...]

    def __init__(self, *parts: Part) -> None:
        for part in parts:
            if not isinstance(part, Part):
                known = ", ".join(kind.__name__ for kind in KINDS.values())
                raise UsageError(f"A query is made of parts ({known}), not {type(part).__name__}; wrap it in one.")
        object.__setattr__(self, "parts", parts)
        self._check_looks_for_something()
        self._check_contradictions()

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The parts that an encoder must look at, in order."""
        return tuple(part for part in self.parts if isinstance(part, Picture))

    @property
    def items(self) -> tuple[Like | Unlike, ...]:
        """The parts that are pictures of the collection, in order."""
        return tuple(part for part in self.parts if isinstance(part, Like | Unlike))

    @property
    def marks(self) -> tuple[Like | Unlike, ...]:
        """The items where a picture or a vector is asked with: they decide about the order alone."""
        asked = any(pull(part) for part in self.shown if not isinstance(part, Like | Unlike))
        return self.items if asked else ()

    @property
    def shown(self) -> tuple[Picture | Like | Unlike | Vector, ...]:
        """The parts that are a vector each without a word being understood, in order."""
        return tuple(part for part in self.parts if isinstance(part, SHOWN))

    @property
    def references(self) -> tuple[Picture | Like, ...]:
        """What is to be looked like: the shown parts with a picture that draw towards it, in order."""
        return tuple(part for part in self.shown if isinstance(part, Picture | Like) and pull(part) > 0)

    @property
    def change(self) -> str:
        """All words in one text; empty without any."""
        return ", ".join(part.text for part in self.words)

    @property
    def words(self) -> tuple[Words, ...]:
        """What the picture is to show, in order."""
        return tuple(part for part in self.parts if isinstance(part, Words))

    @property
    def worded(self) -> bool:
        """Whether anything is said in words."""
        return bool(self.words or self.keeps or self.drops)

    @property
    def keeps(self) -> tuple[Keep, ...]:
        """What must stay of the reference, in order."""
        return tuple(part for part in self.parts if isinstance(part, Keep))

    @property
    def drops(self) -> tuple[Drop, ...]:
        """What must not be there, in order."""
        return tuple(part for part in self.parts if isinstance(part, Drop))

    @property
    def filters(self) -> tuple[Filter, ...]:
        """The filters' trees, all of which must hold, in order."""
        return tuple(part.filter for part in self.parts if isinstance(part, Where))

    def to_dict(self) -> dict[str, Any]:
        """The JSON form. Raises UsageError for pictures that are no files."""
        return {"parts": [plain.to_dict(part) for part in self.parts]}

    @classmethod
    def from_dict(cls, form: object) -> Query:
        """The query of a JSON form. Raises UsageError naming what is wrong."""
        return cls(*plain.parts_of(form))

    def _check_looks_for_something(self) -> None:
        if not self.parts:
            raise UsageError("A query needs at least one part: say what to look for, with a Picture for instance.")
        asking = [part for part in self.parts if not isinstance(part, Where)]
        if not asking:
            raise UsageError("The query only filters; say what to look for as well, with a Picture for instance.")
        pulls = [pull(part) for part in asking if not isinstance(part, Keep)]
        if pulls and not any(pulls):
            raise UsageError("All weights of the query are zero; give at least one part another weight.")
        if not any(one > 0 for one in pulls):
            said = "what to keep or to keep away from" if self.keeps else "what to keep away from"
            raise UsageError(f"The query only says {said}; say what to look for as well.")

    def _check_contradictions(self) -> None:
        dropped = _texts(self.drops)
        for said, parts in (("kept", self.keeps), ("looked for", self.words)):
            for same in _texts(parts).keys() & dropped.keys():
                raise UsageError(f"{dropped[same]!r} is both {said} and dropped; leave one of the two out.")


def _texts(parts: Iterable[Words | Keep | Drop]) -> dict[str, str]:
    """Texts as they were written by what makes two of them the same: neither case nor space."""
    return {" ".join(part.text.split()).casefold(): part.text for part in parts}
