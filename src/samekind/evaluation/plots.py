"""Two plots as inline SVG, drawn by hand: bars with intervals, and differences around nought.

Colours and fonts are the page's (classes), so they follow its light and dark looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from samekind.evaluation.compare import Difference, Interval

_WIDTH = 560
_LEFT = 130
_RIGHT = 56
_BAR = 13
_GAP = 14
_TOP = 22


def bars(title: str, rows: Sequence[tuple[str, Sequence[Interval]]], classes: Sequence[str]) -> str:
    """Horizontal bars in percent. Each row: its name and one interval for each of ``classes`` (first drawn on top)."""
    row_height = _BAR * len(classes) + _GAP
    height = _TOP + row_height * len(rows) + 20
    inner = _WIDTH - _LEFT - _RIGHT
    parts = [_open(height, title)]
    for tick in (0, 25, 50, 75, 100):
        x = _LEFT + inner * tick / 100
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{height - 18}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - 4}" text-anchor="middle">{tick}</text>')
    for at, (name, found) in enumerate(rows):
        top = _TOP + at * row_height
        parts.append(_name(name, top + _BAR * len(classes) / 2))
        for bar, (one, kind) in enumerate(zip(found, classes, strict=True)):
            y = top + bar * _BAR
            low, high, end = (_LEFT + inner * value for value in (one.low, one.high, one.mean))
            middle = y + _BAR / 2
            width = max(end - _LEFT, 0.5)
            parts.append(f'<rect class="bar {kind}" x="{_LEFT}" y="{y + 1}" width="{width:.1f}" height="{_BAR - 2}"/>')
            parts.append(_whisker(low, high, middle))
            label = _LEFT + inner * max(one.high, one.mean) + 6
            parts.append(f'<text class="value" x="{label:.1f}" y="{middle + 4:.1f}">{100 * one.mean:.1f}</text>')
    return "".join([*parts, "</svg>"])


def forest(title: str, rows: Sequence[tuple[str, Difference]]) -> str:
    """Differences in points with their intervals; filled dots where the difference is significant."""
    ends = [0.0, *(end for _, one in rows for end in (one.low, one.high))]
    step = round_step(max(ends) - min(ends))
    first, last = math.floor(min(ends) / step - 1e-9), math.ceil(max(ends) / step + 1e-9)
    height = _TOP + 24 * len(rows) + 20
    inner = _WIDTH - _LEFT - _RIGHT

    def x(value: float) -> float:
        return _LEFT + inner * (value / step - first) / (last - first)

    parts = [_open(height, title)]
    for at in range(first, last + 1):
        kind = "grid" if at else "zero"
        across = f"{x(at * step):.1f}"
        parts.append(f'<line class="{kind}" x1="{across}" x2="{across}" y1="{_TOP - 6}" y2="{height - 18}"/>')
        label = f"{100 * at * step:+g}" if at else "0"
        parts.append(f'<text class="tick" x="{across}" y="{height - 4}" text-anchor="middle">{label}</text>')
    for at, (name, one) in enumerate(rows):
        middle = _TOP + at * 24 + 9
        kind = "unclear" if not one.significant else "better" if one.mean > 0 else "worse"
        parts.append(_name(name, middle))
        parts.append(_whisker(x(one.low), x(one.high), middle))
        parts.append(f'<circle class="dot {kind}" cx="{x(one.mean):.1f}" cy="{middle}" r="5"/>')
        parts.append(f'<text class="value" x="{_WIDTH - _RIGHT + 8}" y="{middle + 4}">{100 * one.mean:+.1f}</text>')
    return "".join([*parts, "</svg>"])


def round_step(span: float) -> float:
    """A round distance of ticks, as a fraction: at most about six of them in ``span``."""
    steps = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    return next((step for step in steps if span <= 5 * step), 0.5)


def _open(height: int, title: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'


def _name(name: str, middle: float) -> str:
    shown = name if len(name) <= 18 else f"…{name[-17:]}"
    return f'<text class="name" x="{_LEFT - 10}" y="{middle + 4:.1f}" text-anchor="end">{escape(shown)}</text>'


def _whisker(low: float, high: float, middle: float) -> str:
    ends = "".join(f"M{end:.1f} {middle - 3:.1f}V{middle + 3:.1f}" for end in (low, high))
    return f'<path class="whisker" d="M{low:.1f} {middle:.1f}H{high:.1f}{ends}"/>'
