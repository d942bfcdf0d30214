"""A contact sheet as one HTML page; its pictures are inside."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO

from samekind.query.sheet import Row, Sheet, Tile
from samekind.query.thumbs import thumbnail

_SIDE = 320

_STYLE = """
:root { color-scheme: light dark; --paper: #faf9f6; --card: #fff; --line: #e2dfd8; --ink: #222226; --pale: #6c6a64;
  --bar: #2e74b5; --weak: #9a6b00; --right: #1e7f47; --wrong: #c2362b; }
@media (prefers-color-scheme: dark) { :root { --paper: #17181b; --card: #222428; --line: #34373d; --ink: #ececec;
  --pale: #a3a39d; --bar: #6cabe6; --weak: #d9a93b; --right: #4cc27f; --wrong: #f07266; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem clamp(1rem, 4vw, 3rem); background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; } h2 { margin: 0 0 .8rem; font-size: 1.1rem; }
header p { margin: .2rem 0 0; color: var(--pale); }
section { display: grid; grid-template-columns: minmax(120px, 200px) 1fr; gap: 1.5rem; padding: 1.5rem 0;
  border-top: 1px solid var(--line); margin-top: 1.5rem; }
section h2 { grid-column: 1 / -1; margin: 0; }
.asked { display: grid; gap: 1rem; align-content: start; }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); align-content: start; }
.asked figure { border-color: var(--ink); }
figure { position: relative; margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  overflow: hidden; }
figure img, .none { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--line); }
.none { display: grid; place-items: center; color: var(--pale); }
figcaption { padding: .5rem .65rem .6rem; font-size: .82rem; overflow-wrap: anywhere; }
.numbers { display: flex; justify-content: space-between; font-variant-numeric: tabular-nums; }
.numbers span:last-child, .note { color: var(--pale); }
.bar { height: 5px; border-radius: 3px; background: var(--line); margin-bottom: .35rem; }
.bar i { display: block; height: 100%; border-radius: 3px; background: var(--bar); }
.weak .bar i { background: var(--weak); }
.line { grid-column: 1 / -1; display: flex; align-items: center; gap: .8rem; color: var(--weak); font-weight: 600; }
.line::after { content: ""; flex: 1; border-top: 2px dashed var(--weak); }
.right { border: 3px solid var(--right); } .wrong { border: 3px solid var(--wrong); }
.mark { position: absolute; top: .4rem; right: .4rem; width: 1.6rem; height: 1.6rem; border-radius: 50%; color: #fff;
  display: grid; place-items: center; font-weight: 700; }
.right .mark { background: #1e7f47; } .wrong .mark { background: #c2362b; }
@media (max-width: 640px) { section { grid-template-columns: 1fr; } .asked { grid-template-columns: 1fr 1fr; } }
"""


def page(sheet: Sheet) -> str:
    """The sheet as the text of an HTML file; it asks for nothing from elsewhere."""
    rows = "\n".join(_section(row) for row in sheet.rows)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(sheet.title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header><h1>{escape(sheet.title)}</h1><p>{escape(sheet.subtitle)}</p></header>
<main>
{rows}
</main>
</body>
</html>
"""


def _section(row: Row) -> str:
    title = f"<h2>{escape(row.title)}</h2>" if row.title else ""
    weak = '<div class="line">weak from here</div>' + _figures(row.weak) if row.weak else ""
    nothing = "" if row.found else '<p class="note">Nothing good enough.</p>'
    return (
        f'<section>{title}<div class="asked">{_figures(row.asked)}</div>'
        f'<div class="grid">{_figures(row.strong)}{weak}{nothing}</div></section>'
    )


def _figures(tiles: Sequence[Tile]) -> str:
    return "".join(_figure(tile) for tile in tiles)


def _figure(tile: Tile) -> str:
    kinds = [
        name for name, holds in (("weak", tile.weak), ("right", tile.right), ("wrong", tile.right is False)) if holds
    ]
    mark = "" if tile.right is None else f'<span class="mark" title="{kinds[-1]}">{"✓" if tile.right else "✗"}</span>'
    numbers = ""
    if tile.confidence is not None and tile.score is not None:
        share = f"{tile.confidence:.0%}"
        numbers = (
            f'<div class="bar"><i style="width:{share}"></i></div><div class="numbers">'
            f'<span title="confidence">{share}</span><span title="score">{tile.score:.3f}</span></div>'
        )
    note = f'<div class="note">{escape(tile.note)}</div>' if tile.note else ""
    return (
        f'<figure class="{" ".join(kinds)}">{_image(tile)}{mark}'
        f"<figcaption>{numbers}<div>{escape(tile.caption)}</div>{note}</figcaption></figure>"
    )


def _image(tile: Tile) -> str:
    picture = thumbnail(tile.picture, _SIDE, tile.box)
    if picture is None:
        return '<div class="none">no picture</div>'
    out = BytesIO()
    picture.save(out, "JPEG", quality=84)
    data = b64encode(out.getvalue()).decode("ascii")
    return f'<img alt="{escape(tile.caption, quote=True)}" src="data:image/jpeg;base64,{data}">'
