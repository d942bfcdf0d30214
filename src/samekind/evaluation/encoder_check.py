"""Is an encoder what it should be on this machine, and does it hear word order?"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from samekind.encoders import load
from samekind.encoders.base import Encoder, TextTower, Vectors, encode_pictures
from samekind.encoders.golden import check_golden, draw_card
from samekind.encoders.rows import unit_rows
from samekind.errors import WrongWeights
from samekind.evaluation.toy.draw import draw
from samekind.evaluation.toy.swaps import BLIND, SwapScore, same_hits, shuffled, swap_cases, swap_score
from samekind.events import Event, Job, Progress
from samekind.settings import Settings, resolve

FINE, WRONG, NOTE, UNCHECKED = "fine", "wrong", "note", "not checked"
CASES = 120
"""So many pictures with two captions each: chance is then left at 59 of 100."""

LENGTH_TOLERANCE = 1e-3
SAME = 1 - 1e-3
"""The least cosine between a vector of one run and of another, or of a single picture and of the same in a batch."""

_PICTURES = 12


@dataclass(frozen=True)
class Finding:
    """What was looked at, "fine", "wrong", "note" (worth knowing, no fault) or "not checked", and the reason."""

    what: str
    state: str
    why: str


@dataclass(frozen=True)
class EncoderCheck:
    """All findings about an encoder; ``order`` is its swap test, None where it has no words to test."""

    encoder: str
    fingerprint: str
    dim: int
    findings: tuple[Finding, ...]
    order: SwapScore | None = None

    @property
    def fine(self) -> bool:
        """Whether nothing is wrong; not to hear word order is no fault."""
        return all(finding.state != WRONG for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        findings = [vars(finding) for finding in self.findings]
        order = self.order.to_dict() if self.order else None
        return {**vars(self), "fine": self.fine, "findings": findings, "order": order}


def check_encoder(name: str, settings: Settings | None = None) -> Job[EncoderCheck]:
    """Checks an encoder by its name, as ``load_encoder`` takes it; fetches missing weights first.

    The job raises what ``load_encoder`` raises; what is found to be wrong afterwards is a finding.
    """
    return Job(_check(name, settings or resolve()))


def check_pictures(encoder: Encoder) -> list[Finding]:
    """What every encoder has to keep, on a few drawn pictures and the test card; and how it runs here."""
    pictures = [draw_card(), *(draw(case.scene, 160) for case in swap_cases(0, _PICTURES - 1))]
    findings = [_golden(encoder)]
    rows = encode_pictures(encoder, pictures)
    findings.append(_unit(rows, (len(pictures), encoder.dim)))
    start = time.perf_counter()
    again = encode_pictures(encoder, pictures)
    seconds = time.perf_counter() - start
    findings.append(_close("the same again", rows, again, "a second run"))
    findings.append(_close("one by one", rows, encode_pictures(encoder, pictures, batch=1), "single pictures"))
    findings.append(_apart(rows))
    findings += [Finding(one.what, NOTE, f"{one.value}: {one.why}") for one in getattr(encoder, "choices", ())]
    rate = f"{len(pictures) / max(seconds, 1e-9):.1f} pictures/s here, resized and encoded one after the other"
    return [*findings, Finding("rate", NOTE, rate)]


def check_words(encoder: Encoder, words: TextTower) -> tuple[list[Finding], SwapScore | None]:
    """What a text tower has to keep, the swap test on drawn toy pictures, and the shuffle test among them."""
    cases = swap_cases(0, CASES)
    right, wrong = [case.right for case in cases], [case.wrong for case in cases]
    spoken = words.encode(right).vectors
    findings = [_unit(spoken, (CASES, spoken.shape[-1]), "words, unit length")]
    alone = np.concatenate([words.encode([text]).vectors for text in right[:_PICTURES]])
    findings.append(_close("words, one by one", spoken[:_PICTURES], alone, "single texts"))
    if spoken.shape[-1] != encoder.dim:
        why = f"words have {spoken.shape[-1]} numbers and pictures {encoder.dim}, so they cannot be compared"
        return [*findings, Finding("words and pictures", WRONG, why)], None
    seen = encode_pictures(encoder, [draw(case.scene) for case in cases])
    order = swap_score(cases, seen, spoken, words.encode(wrong).vectors)
    rng = np.random.default_rng(0)
    mixed = words.encode([shuffled(text, rng) for text in right]).vectors
    same = same_hits(spoken @ seen.T, mixed @ seen.T)
    often = (
        f"for {(same >= BLIND).mean():.0%} of {CASES} captions {BLIND} of the first 10 hits stay when words are mixed"
    )
    return [*findings, Finding("word order", NOTE, order.sentence), Finding("shuffled words", NOTE, often)], order


def _check(name: str, settings: Settings) -> Generator[Event, None, EncoderCheck]:
    yield from load.fetch(name, settings)
    yield Progress("checking", 0, 2)
    encoder = load.load_encoder(name, settings)
    findings, order = check_pictures(encoder), None
    yield Progress("checking", 1, 2)
    words = load.load_text_tower(name, settings)
    if words is None:
        findings.append(Finding("word order", UNCHECKED, f"{name} has no words"))
    else:
        more, order = check_words(encoder, words)
        findings += more
    yield Progress("checking", 2, 2)
    return EncoderCheck(name, encoder.fingerprint, encoder.dim, tuple(findings), order)


def _golden(encoder: Encoder) -> Finding:
    try:
        found = check_golden(encoder)
    except WrongWeights as problem:
        return Finding("golden vector", WRONG, str(problem))
    return Finding("golden vector", FINE if found.value == "agrees" else UNCHECKED, found.why)


def _unit(rows: Vectors, shape: tuple[int, ...], what: str = "unit length") -> Finding:
    if rows.shape != shape or rows.dtype != np.float32:
        return Finding(what, WRONG, f"an array of {rows.shape} {rows.dtype} came out, not of {shape} float32")
    off = float(np.abs(np.linalg.norm(rows.astype(np.float64), axis=1) - 1).max())
    state = FINE if off <= LENGTH_TOLERANCE else WRONG  # not a number is wrong, too
    lengths = "" if off < 1e-5 else f", lengths off by up to {off:.1g}"
    return Finding(what, state, f"{shape[0]} rows of {shape[1]} numbers{lengths}")


def _close(what: str, rows: Vectors, others: Vectors, made: str) -> Finding:
    if np.array_equal(rows, others):
        return Finding(what, FINE, f"{made} gave the same numbers")
    if rows.shape != others.shape:
        return Finding(what, WRONG, f"{made} gave an array of {others.shape}, not of {rows.shape}")
    least = float(np.einsum("nd,nd->n", unit_rows(rows), unit_rows(others)).min())
    return Finding(what, FINE if least >= SAME else WRONG, f"{made} agree to a cosine of {least:.5f}")


def _apart(rows: Vectors) -> Finding:
    unit = unit_rows(rows)
    nearest = float((unit @ unit.T)[np.triu_indices(len(rows), 1)].max())
    why = f"the two most alike of {len(rows)} different pictures have a cosine of {nearest:.4f}"
    return Finding("tells apart", FINE if nearest < 1 - 1e-6 else WRONG, why)
