"""What a person writes to change a picture, read by patterns of English: clauses, and what each of them asks for.

Negation is told first and stands above all else: what is negated is dropped or, where it is not understood, left out;
it is never added. Ours, written along the texts of CIRR, CIRCO, FashionIQ and GeneCIS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from samekind.query.language.phrases import COLOUR_PHRASE

_FLAGS = re.IGNORECASE
_VERBS = (
    r"adds?|removes?|delet\w+|eras\w+|eliminat\w+|exclud\w+|chang\w+|replac\w+|swaps?|turns?|makes?|puts?|places?|"
    r"shows?|has|have|is|are|was|wears?|gives?|includes?|inserts?|takes?|keeps?|zoom\w*|focus\w*|there|there's|it|its|it's|they|"
    r"the\s+(?:photo|picture|image|target)|does|do|don't|doesn't|isn't|aren't"
)
_NOT = (
    r"no|not|without|never|none|nor|neither|nothing|cannot|lacks?|lacking|minus|free\s+(?:of|from)|devoid\s+of|"
    r"(?:do|does|is|are|was|were|has|have|ca|wo|should|did)n'?t"
)
_STARTS = rf"(?:{_VERBS}|{_NOT}|also|then|instead)\b"
_POSITIVE = rf"(?:(?:an?|some|one|two|three|\d+|more|much|different|darker|lighter|\w+er)\b|{COLOUR_PHRASE}\b)"
_SPLIT = re.compile(
    rf"\s*[;.!?]+(?=\s|$)\s*|\s*,\s*(?:and\s+|but\s+|then\s+)?|\s+(?<!\ball\s)(?<!\bsame\s)but\s+(?:also\s+)?|\s+and\s+(?=(?:also\s+|"
    rf"then\s+)?{_STARTS})",
    _FLAGS,
)
_LIST = re.compile(rf"\b(?:{_NOT})\b[^;.]*?\b(?:or|nor)\b", _FLAGS)
_FREE = re.compile(r"\b([a-z]+)-free\b", _FLAGS)
_DOUBLE = re.compile(r"\bnot\s+without\b", _FLAGS)
_UNREAL = re.compile(r"\b(?:no\s+(?:\w+)\s+than|not\s+(?:only|just|all|necessarily|more|less))\b", _FLAGS)
_NEGATION = re.compile(rf"(?<!\w)(?:(?:is|are|does|do|has|have|with|and|but)\s+)*(?:{_NOT}|w/o)(?!\w)", _FLAGS)
_TURN = re.compile(r"\s+but\s+|\s+and\s+(?=(?:the|its)\s+[\w ]+\b(?:is|are|has)\b)", _FLAGS)
_TURN_OR_MORE = re.compile(rf"{_TURN.pattern}|\s+and\s+(?={_POSITIVE})", _FLAGS)
_WITH = re.compile(r"(?<=\w)\s+with\s+.*$", _FLAGS)
_PLACE = re.compile(
    r"(?<=\w)(?<!ing)\s+(?:in|on|at|from|inside|behind|near|under|above|around|next\s+to|in\s+front\s+of|wearing|holding|"
    r"with|that|which|who)\s+.*$",
    _FLAGS,
)
_LOOSE = re.compile(r"(?:\s*\b(?:that|which|who|and|but|with|is|are|it|there|there's|has|have|the)\b)+$", _FLAGS)
_KEEPS = re.compile(r"\s*(?:to\s+)?(?:remov\w*|chang\w*|los\w*|touch\w*|alter\w*|delet\w*|tak\w+\s+away)\b", _FLAGS)
_FILLER = re.compile(
    r"(?:want|wanted|need|like|have|has|having|be|being|show|showing|add|adding|include|wear|wearing|contain|any|visible|longer|more|other|a|an|"
    r"the|all|its|his|her|their|of|into|scene|making|with)\s+",
    _FLAGS,
)
_TAIL = re.compile(
    r"\s+(?:(?:(?:that|which)\s+)?(?:is|are)\s+)?(?:visible|shown|present|at\s+all|any\s*more|anywhere|"
    r"(?:(?:in|from|into|on|to|of|at|around|next\s+to|above|behind|near)\s+)+(?:it|them|(?:the|this)?\s*(?:back|fore)?"
    r"(?:ground|picture|image|photo|scene|view|sight|frame|shot|top|bottom|front|back|side|left|right)))$",
    _FLAGS,
)
_EMPTY = re.compile(
    r"(?:(?:an?|the|any|two|three|\d+|ones?|of|it|them|this|that|others?|same|more|less|so|very|too|as|is|are)(?:\s+|$))*",
    _FLAGS,
)
_ABSENT = re.compile(
    r"(.+?)\s+(?:(?:is|are|have|has|should|must|to)\s+)?(?:been\s+|be\s+)?(?:not\s+(?:visible|there|shown|present|seen)|missing|gone|absent|removed|"
    r"taken\s+(?:away|out|off))$",
    _FLAGS,
)
_REMOVE = re.compile(
    r"(?:remov(?:e|es|ing)|delet(?:e|es|ing)|eras(?:e|es|ing)|eliminat(?:e|es|ing)|avoid(?:s|ing)?|hid(?:e|es|ing)|skip|discard|leave\s+out|exclud(?:e|es|ing)|omit|lose|drop|"
    r"take\s+(?:away|out|off)|get\s+rid\s+of|clear\s+away)\s+(.+)",
    _FLAGS,
)
_TAKEN = re.compile(r"take\s+(.+?)\s+(?:away|out|off)$", _FLAGS)
_FROM = re.compile(r"\s+(?:from|off|out\s+of)\s+(?:the|its|his|her|their|an?|\w+ground)\b.*$", _FLAGS)
_NAMES = re.compile(r"\s*(?:,|/|\b(?:and|or|nor|as\s+well\s+as)\b)\s*", _FLAGS)
_ALL_BUT = re.compile(r"(?:all|every\w*)\s+(?:\w+\s+){0,3}?(?:but|except(?:\s+for)?)\s+(.+)", _FLAGS)
_SOME = re.compile(
    r"(?:one|two|three|four|five|\d+|some|most|half|a\s+few|few|several|part|the\s+(?:second|third|other|last))\b",
    _FLAGS,
)
_LESS = re.compile(
    r"(?:(?:is|are|has|have|shows?|looks?|a|much|with|slightly)\s+)*(?:fewer|less|not\s+(?:as|so|too|very|much))\b",
    _FLAGS,
)
_INSTEAD = re.compile(
    r"(.*?)\s*\b(?:instead\s+of|rather\s+th[ae]n|in\s+place\s+of|(?:instead|rather|rathet)\s+(?=(?:of\s+)?\w+ing\b))\s*"
    r"(?:\w*(?:making|showing|targett?ing|having|being)\b(?:\s+(?:it|with|in|on|to|of))?\s*)?(.*)",
    _FLAGS,
)
_REPLACE = re.compile(r"(?:replac|exchang|swap|swapp|substitut)\w*\s+(.+?)\s+(?:with|by|for|to|into)\s+(.+)", _FLAGS)
_CHANGE = re.compile(r"(?:chang|turn|switch|convert|transform)\w*\s+(.+?)\s+(?:(?:in)?to|for|with|by)\s+(.+)", _FLAGS)
_INTO = re.compile(r"(?:chang|switch|convert|transform|turn)\w*\s+(?:in)?to\s+(.+)", _FLAGS)
_OF = re.compile(r"(?:the\s+)?(colou?r|shape|size|style|breed|angle|position|material|pattern)s?\s+of\s+(.+)", _FLAGS)
_QUALITY = re.compile(
    r"(?:the\s+|its\s+)?(?:.*\s)?(?:colou?r|background|angle|position|size|style|breed|view|shape|material|lighting|setting|"
    r"scene|location|ground|pattern)s?$",
    _FLAGS,
)
_STATE = re.compile(
    rf"(?:be|face|have|look|stand|sit|lie)\b|(?:an?\s+)?(?:{COLOUR_PHRASE}|\w+er)(?:\s+colou?r)?$", _FLAGS
)
_SERIES = re.compile(
    r"(?:an?\s+)?(.+?)\s+(?:(?:from|of)\s+the\s+same\s+\w+\s+)?(?:in|of|with)\s+(?:the\s+)?same\s+(?:colou?r|style|material)$",
    _FLAGS,
)
_SAME_IN = re.compile(
    r"(?:(?:the\s+|this\s+)?same(?:\s+(?:one|thing|\w+))?|it|this|make\s+(?:it|this|them))\s*(?:,?\s*but\s+)?(?:in)\s+(.+)",
    _FLAGS,
)
_IN_COLOUR = re.compile(rf"in\s+({COLOUR_PHRASE})", _FLAGS)
_SAME = re.compile(
    r"(?:(?:is|are|has|have|keep|it|they|shows?|taken|seen|shot|viewed|from|in|of|with|the\s+photo|photo|at)\s+)*(?:the\s+|a\s+)?"
    r"(?:same|similar)\b(?:\s+[\w-]+){0,4}$|keep\s+.+",
    _FLAGS,
)
_MAKE = re.compile(r"(?:make|paint|dye|colou?r|turn)\s+(?:it|this|them)\s+(.+)", _FLAGS)
_MAKE_COLOUR = re.compile(
    rf"(?:make|paint|dye|colou?r|turn)\s+(?:the\s+|his\s+|her\s+|its\s+)?(.+?)\s+(?:in\s+)?(?:be\s+)?(?:an?\s+)?({COLOUR_PHRASE})"
    r"(?:\s+colou?r(?:ed)?)?$",
    _FLAGS,
)
_ADD = re.compile(
    r"(?:(?:adds?|adding|includes?|including|inserts?|attach|puts?|places?|with|wearing|wears?|make\s+(?:it|out)\s+with|"
    r"focus\s+(?:more\s+)?on|target\s+on)|(?:(?:it|they|that|there|(?:the\s+)?(?:target\s+)?(?:photo|picture|image|target|"
    r"dress|shirt))\s+)?(?:also\s+)?(?:has|have|having|shows?|showing|is\s+with|are\s+with|"
    r"is\s+wearing|are\s+wearing|there\s+(?:is|are)|contains?)(?:\s+also)?)\s+(.+)",
    _FLAGS,
)
_IS = re.compile(
    r"(?:it'?s|(?:(?:it|they|this|that|(?:the\s+)?(?:target\s+)?(?:photo|picture|image|target|dress|shirt|top))\s+)?(?:also\s+)?(?:is|are|be)"
    r"(?:\s+also)?)\s+(.+)",
    _FLAGS,
)
_MORE = re.compile(r"(?:is\s+|much\s+|a\s+(?:bit|little)\s+|slightly\s+)*(?:more|\w+er)\b", _FLAGS)


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
    text = _FREE.sub(r"no \1", _DOUBLE.sub("with", change.replace("’", "'").replace("‘", "'")))
    text = _LIST.sub(
        lambda found: re.sub(r"\s*,\s*(?:or\s+)?", " or ", found[0]) if _is_list(found[0]) else found[0], text
    )
    found: list[Step] = []
    for clause in filter(None, (clause.strip(" ,.;!?") for clause in _SPLIT.split(text))):
        found += _continued(clause, found) or _steps(clause)
    return found


def _is_list(text: str) -> bool:
    """Whether what is between its commas are short names, not clauses."""
    names = text.split(",")[1:]
    return all(len(name.split()) <= 4 and not re.match(rf"\s*{_STARTS}", name, _FLAGS) for name in names)


def _continued(clause: str, before: list[Step]) -> list[Step]:
    """``the cat and the bird`` behind ``remove the dog,`` goes on with what is dropped."""
    if not before or before[-1].rule not in ("remove", "not") or before[-1].adds:
        return []
    names = re.split(r"\s+(?:and|or)\s+", clause, flags=_FLAGS)
    longest = 2 if before[-1].rule == "remove" else 1
    definite = re.match(r"(?:the|any|all|its|his|her|their|both)\s", clause, _FLAGS) and not re.search(
        rf"\s(?:{_VERBS}|\w+ing)\b", clause, _FLAGS
    )
    bare = all(len(name.split()) <= longest and name.isascii() for name in names) and not re.match(
        rf"{_STARTS}|{_POSITIVE}|\w+ing\b|with\b", clause, _FLAGS
    )
    return [Step(before[-1].rule, drops=_things(clause))] if definite or bare else []


def _steps(clause: str) -> list[Step]:
    clause = re.sub(r"^(?:please|and|also|then|but)\s+", "", clause, flags=_FLAGS)
    if absent := _ABSENT.fullmatch(clause):
        return [Step("not", drops=_things(absent[1]))]
    if _LESS.match(clause):
        _, *more = _TURN_OR_MORE.split(clause, maxsplit=1)
        return [Step("less"), *(step for one in more for step in _steps(one))]
    if not _UNREAL.search(clause) and (negation := _NEGATION.search(clause)):
        return _negated(clause, negation)
    if removed := _REMOVE.fullmatch(clause) or _TAKEN.fullmatch(clause):
        return [_removed(removed[1])]
    if instead := _INSTEAD.fullmatch(clause):
        return _instead(*instead.groups())
    return [_affirmed(clause)]


def _negated(clause: str, negation: re.Match[str]) -> list[Step]:
    """What stands before the negation is as it would be alone; what follows it is dropped, up to where it ends.

    A "with" behind what is negated may belong to either, so what it ties on is neither added nor dropped.
    """
    before = _LOOSE.sub("", clause[: negation.start()].strip())
    before = (
        ""
        if re.fullmatch(rf"(?:(?:{_VERBS}|the|photo|picture|image|i|we|you|target)(?:\s+|$))*", before.strip(), _FLAGS)
        else before.strip(" ,")
    )
    behind = clause[negation.end() :].strip()
    # "no collar and a logo" turns, "without a collar and a logo" and "no red and blue stripes" do not
    plain_no = re.search(r"\bno$", negation[0], _FLAGS) and not re.match(_POSITIVE, behind, _FLAGS)
    scope, *rest = (_TURN_OR_MORE if plain_no else _TURN).split(behind, maxsplit=1)
    after = rest[0] if rest else ""
    found = _steps(before) if before else []
    if _KEEPS.match(scope):
        found.append(Step("keep"))
    else:
        understood = not re.search(r"(?:none|nothing|cannot|can'?t)$", negation[0], _FLAGS)
        found.append(Step("not", drops=_things(_WITH.sub("", scope)) if understood else ()))
    return found + (_steps(after) if after else [])


def _removed(what: str) -> Step:
    if left := _ALL_BUT.fullmatch(what):
        return Step("only", said=f"only {left[1]}")
    drops = _things(" and ".join(name for name in _NAMES.split(_FROM.sub("", what)) if not _SOME.match(name)))
    return Step("remove", drops=drops) if drops else Step("less")


def _instead(new: str, old: str) -> list[Step]:
    drops = _things(old)
    first = _affirmed(new) if new.strip() else Step("instead")
    if first.rule == "words" and len(new.split()) <= 4 and not re.search(rf"\b(?:{_VERBS})\b", new, _FLAGS):
        first = Step("instead", adds=(new,), said=new)
    if len(drops) > 1 or not first.adds or first.rule == "replace":
        return [Step("instead", drops=drops), first] if first.said or first.drops else [Step("instead", drops=drops)]
    return [Step("instead", first.adds, drops, first.said, first.joint)]


def _affirmed(clause: str) -> Step:
    """What a clause without negation asks for."""
    if (series := _SERIES.fullmatch(clause)) and not re.match(rf"{_STARTS}|the\s+same", series[1], _FLAGS):
        return Step("kind", adds=(series[1],), said=series[1])
    if same := _SAME_IN.fullmatch(clause) or _IN_COLOUR.fullmatch(clause):
        return Step("same in", adds=(same[1],), said=same[1], joint=" in ")
    if _SAME.fullmatch(clause):
        return Step("keep")
    if found := _REPLACE.fullmatch(clause):
        return _exchanged(found[1], found[2], state=False)
    if found := _INTO.fullmatch(clause):
        return Step("make", adds=_unless_more(found[1]), said=found[1])
    if found := _CHANGE.fullmatch(clause):
        return _exchanged(found[1], found[2], state=True)
    if found := _MAKE.fullmatch(clause):
        rule = "same in" if re.fullmatch(COLOUR_PHRASE, found[1], _FLAGS) else "make"
        return Step(rule, adds=_unless_more(found[1]), said=found[1], joint=" in " if rule == "same in" else ", ")
    if found := _MAKE_COLOUR.fullmatch(clause):
        return Step("make", adds=(f"{found[2]} {found[1]}",), said=f"{found[2]} {found[1]}")
    if found := _ADD.fullmatch(clause):
        added = re.sub(
            r"\s+(?:next\s+to|in\s+front\s+of|on|in|to|of|behind|above)\s+(?:it|them|(?:the\s+)?(?:picture|image|photo))$",
            "",
            found[1],
        )
        return Step("add", adds=() if _EMPTY.fullmatch(added) else _unless_more(added), said=found[1], joint=" with ")
    if found := _IS.fullmatch(clause):
        return Step("is", adds=_unless_more(found[1]), said=found[1])
    return Step("words", said=clause)


def _exchanged(old: str, new: str, state: bool) -> Step:
    if owner := _OF.fullmatch(old):
        return Step("make", adds=(f"{new} {_bare(owner[2])}",), said=f"{new} {_bare(owner[2])}")
    if _QUALITY.fullmatch(old):
        kind = old.split()[-1].lower()
        said = new if kind in new.lower() else f"{new} {kind}"
        return Step("make", adds=_unless_more(said), said=said)
    if state and _STATE.match(new):
        new = re.sub(r"^(?:be|an?)\s+", "", new, flags=_FLAGS)
        said = f"{new} {_bare(old)}" if re.fullmatch(rf"{COLOUR_PHRASE}|\w+er", new, _FLAGS) else f"{_bare(old)} {new}"
        return Step("make", adds=_unless_more(said), said=said)
    return Step("replace", adds=(new,), drops=_things(old), said=new)


def _unless_more(said: str) -> tuple[str, ...]:
    """``more``, ``darker``: a direction, nothing that can be there or not."""
    return () if _MORE.match(said) else (said,)


def _things(text: str) -> tuple[str, ...]:
    """The names in what is dropped, without articles and places; none where nothing is named."""
    bare = (
        _bare(name) for name in _NAMES.split(text) if not re.search(r"\b(?:other|others|else|another)\b", name, _FLAGS)
    )
    return tuple(name for name in dict.fromkeys(bare) if name and not _EMPTY.fullmatch(name))


def _bare(name: str) -> str:
    name = name.strip(" .,;:!?'\"")
    while (shorter := _TAIL.sub("", name)) != name:
        name = shorter
    name = re.sub(r"\s+(?:is|are|ones?)$", "", _PLACE.sub("", name), flags=_FLAGS)
    while lead := re.match(rf"(?:{_NOT})\s+", name, _FLAGS) or _FILLER.match(name):
        name = name[lead.end() :]
    return name
