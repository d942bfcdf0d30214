"""What a captioner, a rewriter and a judge are, whoever answers.

Each has a ``name`` that is stable and goes into the cache's keys: whatever changes the answers (the model, where it
runs, the version of its prompt) changes the name. Each raises LanguageError where it gives no answer that can be used,
and a captioner or judge PictureError for a picture that cannot be decoded.
"""

from __future__ import annotations

from typing import Protocol


class Captioner(Protocol):
    """Says what a picture shows."""

    @property
    def name(self) -> str:
        """Who answers."""
        ...

    def caption(self, picture: bytes) -> str:
        """One plain sentence without line breaks, never empty; ``picture`` is the content of a picture file."""
        ...


class Rewriter(Protocol):
    """Says what a picture would show after a change."""

    @property
    def name(self) -> str:
        """Who answers."""
        ...

    def rewrite(self, caption: str, change: str) -> str:
        """The caption of the changed picture, one plain sentence, never empty; ``change`` is what a person wrote."""
        ...


class Judge(Protocol):
    """Looks at one hit again: is it what the reference would be after the change?

    For the top of a ranking only (Lin et al. 2024, "MM-Embed": the top 10), since each hit is one question.
    """

    @property
    def name(self) -> str:
        """Who answers."""
        ...

    def judge(self, reference: bytes | None, change: str, candidate: bytes) -> float:
        """From 0, no, to 1, yes. Without a reference ``change`` says all that is looked for."""
        ...
