"""What a person writes to change a picture, clause by clause, and what each clause asks for.

Negation is told first and stands above all else: what is negated is dropped or, where it is not understood, left out;
it is never added.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from samekind.query.language import patterns as p
from samekind.query.language.phrases import COLOUR_PHRASE


@dataclass(frozen=True)
class Step:
    """What a clause asks for: the ``rule`` that understood it, what it ``adds`` and ``drops``, in its own words.

    ``said`` is what the caption gets in addition, behind ``joint``; "" for nothing.
    """

    rule: str
    adds: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    said: str = ""
    joint: str = ", "


def steps(change: str) -> list[Step]:
    """What each clause of a change asks for, in order; none for an empty change. Text of any kind is taken."""
    text = p.FREE.sub(r"no \1", p.DOUBLE.sub("with", change.replace("’", "'").replace("‘", "'")))
    text = p.LIST.sub(
        lambda found: re.sub(r"\s*,\s*(?:or\s+)?", " or ", found[0]) if _is_list(found[0]) else found[0], text
    )
    found: list[Step] = []
    start, before = 0, ""
    cuts = [(cut.start(), cut.end(), cut[0]) for cut in p.SPLIT.finditer(text)]
    for end, then, separator in [*cuts, (len(text), len(text), "")]:
        if clause := text[start:end].strip(" ,.;!?"):
            found += (_continued(clause, found) if before == "," else []) or _steps(clause)
            before = separator.strip()
        start = then
    return found


def _is_list(text: str) -> bool:
    """Whether what is between its commas are short names, not clauses."""
    names = text.split(",")[1:]
    return all(len(name.split()) <= 4 and not re.match(rf"\s*{p.STARTS}", name, p.FLAGS) for name in names)


def _continued(clause: str, before: list[Step]) -> list[Step]:
    """``the cat and the bird`` behind ``remove the dog,`` goes on with what is dropped."""
    if not before or before[-1].rule not in ("remove", "not") or before[-1].adds:
        return []
    names = re.split(r"\s+(?:and|or)\s+", clause, flags=p.FLAGS)
    longest = 2 if before[-1].rule == "remove" else 1
    definite = re.match(r"(?:the|any|all|its|his|her|their|both)\s", clause, p.FLAGS) and not re.search(
        rf"\s(?:{p.VERBS}|\w+ing)\b", clause, p.FLAGS
    )
    bare = all(len(name.split()) <= longest and name.isascii() for name in names) and not re.match(
        rf"{p.STARTS}|{p.POSITIVE}|\w+ing\b|with\b", clause, p.FLAGS
    )
    return [Step(before[-1].rule, drops=_things(clause))] if definite or bare else []


def _steps(clause: str) -> list[Step]:
    clause = re.sub(r"^(?:please|and|also|then|but)\s+", "", clause, flags=p.FLAGS)
    if absent := p.ABSENT.fullmatch(clause):
        return [Step("not", drops=_things(absent[1]))]
    if p.LESS.match(clause):
        _, *more = p.TURN_OR_MORE.split(clause, maxsplit=1)
        return [Step("less"), *(step for one in more for step in _steps(one))]
    if not p.UNREAL.search(clause) and (negation := p.NEGATION.search(clause)):
        return _negated(clause, negation)
    if removed := p.REMOVE.fullmatch(clause) or p.TAKEN.fullmatch(clause):
        return [_removed(removed[1])]
    if instead := p.INSTEAD.fullmatch(clause):
        return _instead(*instead.groups())
    return [_affirmed(clause)]


def _negated(clause: str, negation: re.Match[str]) -> list[Step]:
    """What stands before the negation is as it would be alone; what follows it is dropped, up to where it ends.

    A "with" behind what is negated may belong to either, so what it ties on is neither added nor dropped.
    """
    before = p.LOOSE.sub("", clause[: negation.start()].strip()).strip()
    empty = re.fullmatch(rf"(?:(?:{p.VERBS}|the|photo|picture|image|i|we|you|target)(?:\s+|$))*", before, p.FLAGS)
    before = "" if empty else before.strip(" ,")
    behind = clause[negation.end() :].strip()
    # "no collar and a logo" turns, "without a collar and a logo" and "no red and blue stripes" do not
    plain_no = re.search(r"\bno$", negation[0], p.FLAGS) and not re.match(p.COUNTED, behind, p.FLAGS)
    scope, *rest = (p.TURN_OR_MORE if plain_no else p.TURN).split(behind, maxsplit=1)
    after = rest[0] if rest else ""
    found = _steps(before) if before else []
    if p.KEEPS.match(scope):
        found.append(Step("keep"))
    else:
        understood = not re.search(r"(?:none|nothing|cannot|can'?t)$", negation[0], p.FLAGS)
        found.append(Step("not", drops=_things(p.WITH.sub("", scope)) if understood else ()))
    return found + (_steps(after) if after else [])


def _removed(what: str) -> Step:
    if left := p.ALL_BUT.fullmatch(what):
        return Step("only", said=f"only {left[1]}")
    drops = _things(" and ".join(name for name in p.NAMES.split(p.FROM.sub("", what)) if not p.SOME.match(name)))
    return Step("remove", drops=drops) if drops else Step("less")


def _instead(new: str, old: str) -> list[Step]:
    drops = _things(old)
    first = _affirmed(new) if new.strip() else Step("instead")
    if first.rule == "words" and len(new.split()) <= 4 and not re.search(rf"\b(?:{p.VERBS})\b", new, p.FLAGS):
        first = Step("instead", adds=(new,), said=new)
    if len(drops) > 1 or not first.adds or first.rule == "replace":
        return [Step("instead", drops=drops), first] if first.said or first.drops else [Step("instead", drops=drops)]
    return [Step("instead", first.adds, drops, first.said, first.joint)]


def _affirmed(clause: str) -> Step:
    """What a clause without negation asks for."""
    if (series := p.SERIES.fullmatch(clause)) and not re.match(rf"{p.STARTS}|the\s+same", series[1], p.FLAGS):
        return Step("kind", adds=(series[1],), said=series[1])
    if same := p.SAME_IN.fullmatch(clause) or p.IN_COLOUR.fullmatch(clause):
        return Step("same in", adds=(same[1],), said=same[1], joint=" in ")
    if p.SAME.fullmatch(clause):
        return Step("keep")
    if found := p.REPLACE.fullmatch(clause):
        return _exchanged(found[1], found[2], state=False)
    if found := p.INTO.fullmatch(clause):
        return Step("make", adds=_unless_more(found[1]), said=found[1])
    if found := p.CHANGE.fullmatch(clause):
        return _exchanged(found[1], found[2], state=True)
    if found := p.MAKE.fullmatch(clause):
        rule = "same in" if re.fullmatch(COLOUR_PHRASE, found[1], p.FLAGS) else "make"
        return Step(rule, adds=_unless_more(found[1]), said=found[1], joint=" in " if rule == "same in" else ", ")
    if found := p.MAKE_COLOUR.fullmatch(clause):
        return Step("make", adds=(f"{found[2]} {found[1]}",), said=f"{found[2]} {found[1]}")
    if found := p.ADD.fullmatch(clause):
        added = p.THERE.sub("", found[1])
        return Step("add", adds=() if p.EMPTY.fullmatch(added) else _unless_more(added), said=found[1], joint=" with ")
    if found := p.IS.fullmatch(clause):
        return Step("is", adds=_unless_more(found[1]), said=found[1])
    return Step("words", said=clause)


def _exchanged(old: str, new: str, state: bool) -> Step:
    if owner := p.OF.fullmatch(old):
        said = f"{new} {_bare(owner[2])}".strip()
        return Step("make", adds=(said,), said=said)
    if p.QUALITY.fullmatch(old):
        kind = old.split()[-1].lower()
        said = new if kind in new.lower() else f"{new} {kind}"
        return Step("make", adds=_unless_more(said), said=said)
    if state and p.STATE.match(new):
        new = re.sub(r"^(?:be|an?)\s+", "", new, flags=p.FLAGS)
        before = re.fullmatch(rf"{COLOUR_PHRASE}|{p.COMPARATIVE}", new, p.FLAGS)
        said = (f"{new} {_bare(old)}" if before else f"{_bare(old)} {new}").strip()
        return Step("make", adds=_unless_more(said), said=said)
    return Step("replace", adds=(new,), drops=_things(old), said=new)


def _unless_more(said: str) -> tuple[str, ...]:
    """``more``, ``darker``: a direction, nothing that can be there or not."""
    return () if p.MORE.match(said) else (said,)


def _things(text: str) -> tuple[str, ...]:
    """The names in what is dropped, without articles and places; none where nothing is named."""
    named = p.NAMES.split(p.TWO_COLOURS.sub(r"\1\n", text))  # two colours make one thing, not two
    bare = (_bare(name.replace("\n", " and ")) for name in named if not p.OTHER.search(name))
    return tuple(name for name in dict.fromkeys(bare) if name and not p.EMPTY.fullmatch(name))


def _bare(name: str) -> str:
    name = name.strip(" .,;:!?'\"")
    while (shorter := p.TAIL.sub("", name)) != name:
        name = shorter
    name = re.sub(r"\s+(?:is|are|ones?)$", "", p.PLACE.sub("", name), flags=p.FLAGS)
    while lead := re.match(rf"(?:{p.NOT})\s+", name, p.FLAGS) or p.FILLER.match(name):
        name = name[lead.end() :]
    return name
