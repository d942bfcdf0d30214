"""Plots of an adaptation as inline SVG, narrow enough to be read on a phone: changes, curves, cluster sizes.

Colours and fonts are the page's (classes), so they follow its light and dark looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from samekind.adapt.insight import Clusters, Losses
from samekind.evaluation.plots import round_step

_WIDTH = 360
_ROW, _TOP = 26, 16


@dataclass(frozen=True)
class Change:
    """A row: a change as a fraction, and a span of it: the fall that is ``allowed``, or else its interval."""

    name: str
    mean: float
    low: float
    high: float
    kind: str
    allowed: bool = False


def changes(title: str, rows: Sequence[Change]) -> str:
    """Dots around nought, in points."""
    left, right = 104, 46
    ends = [0.0, *(end for one in rows for end in (one.low, one.high, one.mean))]
    step = round_step(max(max(ends) - min(ends), 0.004))
    first, last = math.floor(min(ends) / step - 1e-9), math.ceil(max(ends) / step + 1e-9)
    height = _TOP + _ROW * len(rows) + 18
    inner = _WIDTH - left - right

    def x(value: float) -> float:
        return left + inner * (value / step - first) / (last - first)

    parts = [_open(height, title)]
    for at in range(first, last + 1):
        kind = "grid" if at else "zero"
        parts.append(
            f'<line class="{kind}" x1="{x(at * step):.1f}" x2="{x(at * step):.1f}" y1="8" y2="{height - 16}"/>'
        )
        label = f"{100 * at * step:+g}" if at else "0"
        parts.append(_text("tick", x(at * step), height - 3, label, "middle"))
    for at, one in enumerate(rows):
        y = _TOP + at * _ROW + 10
        low, high = x(one.low), x(one.high)
        if one.allowed:
            parts.append(
                f'<rect class="allowed" x="{low:.1f}" y="{y - 7}" width="{high - low:.1f}" height="14" rx="3"/>'
            )
        else:
            parts.append(f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>')
        parts.append(f'<circle class="dot {one.kind}" cx="{x(one.mean):.1f}" cy="{y}" r="5"/>')
        parts.append(_text("name", left - 8, y + 4, one.name if len(one.name) < 16 else f"{one.name[:14]}…", "end"))
        parts.append(_text("value", _WIDTH - right + 8, y + 4, f"{100 * one.mean:+.1f}", "start"))
    return "".join([*parts, "</svg>"])


def curves(title: str, losses: Losses) -> str:
    """Loss by step, a line a set; lines are told apart by colour and by dashes."""
    left, right, bottom, height = 36, 10, 30, 220
    least, most = min(map(min, losses.sets)), max(map(max, losses.sets))
    step = next(one for one in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000) if (most - least) / one <= 6)
    floor, ticks = math.floor(least / step), max(math.ceil(most / step) - math.floor(least / step), 1)
    last = losses.steps[-1]

    def place(at: int, loss: float) -> str:
        x = left + (_WIDTH - left - right) * at / last
        return f"{x:.1f} {10 + (height - bottom - 10) * (1 - (loss / step - floor) / ticks):.1f}"

    parts = [_open(height, title)]
    for tick in range(ticks + 1):
        y = float(place(0, (floor + tick) * step).split()[1])
        parts.append(f'<line class="grid" x1="{left}" x2="{_WIDTH - right}" y1="{y}" y2="{y}"/>')
        parts.append(_text("tick", left - 6, y + 4, f"{(floor + tick) * step:g}", "end"))
    for share in (0, 0.5, 1):
        x = left + (_WIDTH - left - right) * share
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        parts.append(_text("tick", x, height - 14, f"{round(share * last):,}{' steps' if share == 1 else ''}", anchor))
    for at, curve in enumerate(losses.sets):
        line = "L".join(place(number, loss) for number, loss in zip(losses.steps, curve, strict=True))
        parts.append(f'<path class="curve set{at % 4}" d="M{line}"/>')
    return "".join([*parts, "</svg>"])


def sizes(title: str, clusters: Clusters) -> str:
    """How many clusters there are of each size, sizes in steps of two."""
    most = max(clusters.sizes)
    bins = [(1, 1)]
    while bins[-1][1] < most:
        bins.append((bins[-1][1] + 1, bins[-1][1] * 2))
    counts = [sum(low <= one <= high for one in clusters.sizes) for low, high in bins]
    first = next(at for at, count in enumerate(counts) if count)
    bins, counts = bins[first:], counts[first:]
    height, bottom = 150, 20
    wide = min((_WIDTH - 20) / len(bins), 72)
    parts = [_open(height, title)]
    for at, ((low, high), count) in enumerate(zip(bins, counts, strict=True)):
        tall = (height - bottom - 22) * count / max(counts)
        x, y = 10 + at * wide, height - bottom - tall
        parts.append(f'<rect class="bar ours" x="{x + 3:.1f}" y="{y:.1f}" width="{wide - 6:.1f}" height="{tall:.1f}"/>')
        parts.append(_text("value", x + wide / 2, y - 4, f"{count:,}" if count else "", "middle"))
        label = str(low) if low == high else f"{low}–{high}"
        parts.append(_text("tick", x + wide / 2, height - 5, label, "middle"))
    return "".join([*parts, "</svg>"])


def _open(height: int, title: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'


def _text(kind: str, x: float, y: float, said: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'
