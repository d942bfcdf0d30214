"""What can be said about how words are taken, for all who ask: a search, and reasons for a hit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from samekind.errors import UsageError
from samekind.query.composing.sliders import Sliders
from samekind.query.model import Query
from samekind.query.named import named_of, sources_of
from samekind.query.shown import Shown
from samekind.query.worded import Asked
from samekind.query.wordings import wording_of

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.collection.where import Where


@dataclass(frozen=True)
class Said:
    """The ``sliders``, the reference ``rewritten`` in words by the person, which ``weak_captions`` words are looked up
    in (None: as the settings say), and whether the reference can be a hit."""

    sliders: Sliders = field(default_factory=Sliders)
    rewritten: str | None = None
    weak_captions: str | None = None
    with_reference: bool = False

    def check_unsaid(self) -> None:
        """Raises UsageError where a query without words was told any of it."""
        if self != Said():
            raise UsageError(
                "A method, change, keep, a rewritten text, weak captions and the reference among the hits are for "
                "queries with words; leave them out, or say some words."
            )

    def sources(self, collection: Collection) -> tuple[str, ...]:
        """The texts that words are looked up in too. Raises UsageError for an unknown one."""
        return sources_of(collection.settings.weak_captions if self.weak_captions is None else self.weak_captions)

    def asked(self, collection: Collection, query: Query, shown: Shown, tune: bool, where: str | Where | None) -> Asked:
        """The query of a collection for which ``prepare`` is done."""
        wording = wording_of(collection)
        named = named_of(collection, wording.ids, self.sources(collection))
        return Asked(collection, wording, query, shown, tune, self.rewritten, named, where, self.with_reference)
