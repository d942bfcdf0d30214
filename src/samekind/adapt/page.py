"""The kinds of a collection as one HTML page: cards that open to the finer kinds inside; its pictures are inside it."""

from __future__ import annotations

import os
import tempfile
from base64 import b64encode
from collections.abc import Generator
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path

from samekind.adapt.results import Kind, KindsReport, Member
from samekind.errors import StorageError, UsageError
from samekind.events import Event, Job, Progress
from samekind.query.thumbs import thumbnail

_SIDE, _SMALL = 200, 112

_STYLE = """
:root { color-scheme: light dark; --paper: #faf9f6; --card: #fff; --line: #e2dfd8; --ink: #222226; --pale: #6c6a64;
  --bar: #2e74b5; --deep: #f3f1ec; }
@media (prefers-color-scheme: dark) { :root { --paper: #17181b; --card: #222428; --line: #34373d; --ink: #ececec;
  --pale: #a3a39d; --bar: #6cabe6; --deep: #1c1e22; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem clamp(1rem, 4vw, 3rem); background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; } header p { margin: .3rem 0 0; color: var(--pale); max-width: 60rem; }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr));
  grid-auto-flow: dense; align-items: start; margin-top: 1.5rem; }
.grid .grid { margin-top: 1rem; }
details { background: var(--card); border: 1px solid var(--line); border-radius: 12px; overflow: hidden; }
details[open] { grid-column: 1 / -1; background: var(--deep); }
summary { list-style: none; cursor: pointer; } summary::-webkit-details-marker { display: none; }
summary:focus-visible { outline: 3px solid var(--bar); outline-offset: -3px; }
details[open] > summary { display: grid; grid-template-columns: minmax(150px, 250px) 1fr; align-items: center;
  background: var(--card); border-bottom: 1px solid var(--line); }
.three { display: grid; grid-template-columns: 2fr 1fr; grid-template-rows: 1fr 1fr; gap: 2px; aspect-ratio: 3 / 2;
  background: var(--line); }
.three > * { width: 100%; height: 100%; min-height: 0; object-fit: cover; display: block; }
.three > :first-child { grid-row: 1 / 3; } .three > :first-child:last-child { grid-column: 1 / 3; }
.three > :nth-child(2):last-child { grid-row: 1 / 3; }
.said { padding: .6rem .8rem .7rem; }
.said b { font-size: 1.02rem; overflow-wrap: anywhere; } .said .named { color: var(--bar); }
.line { display: flex; justify-content: space-between; gap: 1rem; color: var(--pale); font-size: .85rem;
  font-variant-numeric: tabular-nums; }
.meter { height: 5px; border-radius: 3px; background: var(--line); margin: .5rem 0 .3rem; overflow: hidden; }
.meter i { display: block; height: 100%; background: var(--bar); }
.inside { padding: .9rem 1rem 1.1rem; }
.inside > p { margin: 0 0 .5rem; color: var(--pale); font-size: .85rem; }
.border { display: flex; flex-wrap: wrap; gap: .7rem; }
.border figure { margin: 0; width: 112px; font-size: .8rem; color: var(--pale); }
.border img, .border .none { width: 112px; height: 84px; object-fit: cover; border-radius: 8px; display: block; }
.none { background: var(--line); color: var(--pale); display: grid; place-items: center; font-size: .8rem; }
a { color: inherit; } code { background: var(--line); border-radius: 4px; padding: .05rem .3rem; }
.title { display: flex; gap: .6rem; align-items: baseline; min-height: 1.5em; }
.title span { color: var(--pale); font-variant-numeric: tabular-nums; } .title b { flex: 1; }
.title::after { content: "\\25B8"; color: var(--pale); } details[open] > summary .title::after { content: "\\25BE"; }
"""

_SCRIPT = """
function show() {
  let name = location.hash.slice(1), kind = null;
  while (name && !(kind = document.getElementById(name))) name = name.replace(/\\/?[^/]+$/, "");
  for (let one = kind; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
  if (kind) kind.scrollIntoView();
}
addEventListener("hashchange", show); show();
"""


def check_page_name(file: Path) -> None:
    """Raises UsageError unless the file is called as a page is."""
    if file.suffix.lower() != ".html":
        raise UsageError(f"A page of kinds is an .html file, not {file.name!r}; name it so.")


def write_page(report: KindsReport, file: Path) -> Job[None]:
    """Writes the page of a report made ``deep``, whole or not at all. The job raises UsageError, StorageError."""
    check_page_name(file)
    return Job(_written(report, file))


def _written(report: KindsReport, file: Path) -> Generator[Event, None, None]:
    shown: list[str] = []
    coarsest = report.inside()
    for done, kind in enumerate(coarsest):
        yield Progress("drawing", done, len(coarsest))
        shown.append(_card(kind, report))
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Kinds of {escape(Path(report.collection).name)}</title><style>{_STYLE}</style></head>\n<body>"
        f"{_head(report)}<main class=grid>{''.join(shown)}</main><script>{_SCRIPT}</script></body></html>\n"
    )
    _thumbnail.cache_clear()
    draft = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
        draft = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(text)
        draft.chmod(0o644)
        draft.replace(file)
    except OSError as problem:
        raise StorageError(f"{file} cannot be written ({problem.strerror}); check its folder.") from None
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)
    yield Progress("drawing", len(coarsest), len(coarsest))


def _head(report: KindsReport) -> str:
    depth = max((one.address.count("/") + 1 for one in report.kinds), default=0)
    counts = ", ".join(f"{count:,}" for count in report.levels)
    left_out = "" if depth == len(report.levels) else f" Only the first {depth} levels are shown here."
    return (
        f"<header><h1>What {escape(Path(report.collection).name)} is made of</h1>"
        f"<p>{report.pictures:,} pictures; kinds from coarse to fine: {counts}.{left_out} Found by likeness alone. A "
        "click opens a kind and shows the finer ones inside. The bar is its quality: how well its typical pictures "
        "find all of it.</p></header>"
    )


def _card(kind: Kind, report: KindsReport) -> str:
    inside = report.inside(kind.address)
    while len(inside) == 1 and inside[0].name is None and (deeper := report.inside(inside[0].address)):
        inside = deeper  # a kind that is not divided here
    finer = "".join(_card(one, report) for one in inside) if len(inside) > 1 or (inside and inside[0].name) else ""
    address = escape(kind.address)
    named = f'<b class="{"named" if kind.name else ""}">{escape(kind.title)}</b>'
    title = f'<div class="title"><span>{address}</span>{named}</div>'
    pictures = f"{kind.pictures:,} picture{'' if kind.pictures == 1 else 's'}"
    more = f"{len(inside):,} finer kinds" if finer else ""
    return (
        f'<details id="{address}"><summary><div class="three">'
        f"{''.join(_image(one, _SIDE) for one in kind.prototypes)}</div>"
        f'<div class="said">{title}<div class="meter" title="quality {kind.quality:.2f}">'
        f'<i style="width:{kind.quality:.0%}"></i></div>'
        f'<div class="line"><span>{pictures}</span><span>{more or f"quality {kind.quality:.2f}"}</span></div></div>'
        f'</summary><div class="inside"><p>Search only in it with <code>--where kind={address}</code>; '
        f"quality {kind.quality:.2f}</p>{_border(kind)}"
        f"{f'<div class=grid>{finer}</div>' if finer else ''}</div></details>"
    )


def _border(kind: Kind) -> str:
    if not kind.borderline:
        return ""
    figures = "".join(
        f'<figure>{_image(one, _SMALL)}<figcaption>nearly <a href="#{escape(other)}">{escape(other)}</a></figcaption>'
        "</figure>"
        for one, other in kind.borderline
    )
    return f'<p>At its border:</p><div class="border">{figures}</div>'


def _image(member: Member, side: int) -> str:
    data = _thumbnail(member.file, side)
    name = escape(member.path, quote=True)
    return f'<img alt="{name}" title="{name}" src="{data}">' if data else '<div class="none">no picture</div>'


@cache
def _thumbnail(file: Path, side: int) -> str | None:
    picture = thumbnail(file, side)
    if picture is None:
        return None
    out = BytesIO()
    picture.save(out, "JPEG", quality=74, optimize=True)
    return f"data:image/jpeg;base64,{b64encode(out.getvalue()).decode('ascii')}"
