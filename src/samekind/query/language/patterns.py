"""Patterns of the English that people write to change a picture; ``clauses.py`` says in which order they are asked.

Ours, written along the texts of CIRR, CIRCO, FashionIQ and our own lists, slips of the pen among them.
"""

from __future__ import annotations

import re

from samekind.query.language.phrases import COLOUR, COLOUR_PHRASE

FLAGS = re.IGNORECASE
VERBS = (
    r"adds?|removes?|delet\w+|eras\w+|eliminat\w+|exclud\w+|chang\w+|replac\w+|swaps?|turns?|makes?|puts?|places?|"
    r"shows?|has|have|is|are|was|wears?|gives?|includes?|inserts?|takes?|keeps?|zoom\w*|focus\w*|does|do|don't|doesn't|"
    r"isn't|aren't|there|there's|it|its|it's|they|he|she|the\s+(?:photo|picture|image|target)"
)
NOT = (
    r"no|not|without|never|none|nor|neither|nothing|cannot|lacks?|lacking|minus|free\s+(?:of|from)|devoid\s+of|"
    r"(?:do|does|is|are|was|were|has|have|ca|wo|should|did)n'?t"
)
STARTS = rf"(?:{VERBS}|{NOT}|also|then|instead)\b"
COMPARATIVE = (
    r"(?:more|fewer|lesser|better|(?!soldier|barrier|chandelier|pier)\w+ier|"
    r"(?:long|dark|short|light|small|bright|larg|clos|bigg|tight|loos|wid|high|low|thinn|thick|old|young|new|farth|"
    r"furth|whit|deep|simpl|bold|narrow|full|blu|tall|warm|cool|cold|"
    r"clear|fatt|slimm|green|pink|redd|black|gray|grey|clean|plain|great|broad|dull|cheap|round|smooth|fin|soft|hard|"
    r"straight|"
    r"strong|dens|sharp|flatt|near|fast|slow|nic)er)"
)
COUNTED = rf"(?:(?:an?|some|one|two|three|four|five|\d+)\b|{COLOUR_PHRASE}\b)"
POSITIVE = rf"(?:{COUNTED}|(?:{COMPARATIVE}|much|different|only|just)\b)"
SENTENCE = r"(?:the|its|his|her|their)\s+(?:\w+\s+){1,3}?(?:is|are|has|have)\b"
SPLIT = re.compile(
    rf"\s*[;.!?]+(?=\s|$)\s*|\s*,\s*(?:and\s+|but\s+|then\s+)?|\s+(?<!\ball\s)(?<!\bsame\s)but\s+(?:also\s+)?|"
    rf"\s+and\s+(?=(?:also\s+|then\s+)?{STARTS}|{SENTENCE})",
    FLAGS,
)
LIST = re.compile(rf"\b(?:{NOT})\b[^;.]*?\b(?:or|nor)\b", FLAGS)
FREE = re.compile(r"\b([a-z]+)-free\b", FLAGS)
DOUBLE = re.compile(r"\bnot\s+without\b", FLAGS)
UNREAL = re.compile(r"\b(?:no\s+(?:\w+)\s+than|not\s+(?:only|just|all|necessarily|more|less))\b", FLAGS)
NEGATION = re.compile(rf"(?<!\w)(?:(?:is|are|does|do|has|have|with|and|but)\s+)*(?:{NOT}|w/o)(?!\w)", FLAGS)
TURN = re.compile(r"\s+but\s+", FLAGS)
TURN_OR_MORE = re.compile(rf"{TURN.pattern}|\s+and\s+(?={POSITIVE})", FLAGS)
WITH = re.compile(r"(?<=\w)\s+with\s+.*$", FLAGS)
PLACE = re.compile(
    r"(?<=\w)(?<!ing)\s+(?:in|on|at|from|inside|behind|near|under|above|around|next\s+to|in\s+front\s+of|wearing|"
    r"holding|"
    r"with|that|which|who)\s+.*$",
    FLAGS,
)
LOOSE = re.compile(r"(?:\s*\b(?:that|which|who|and|but|with|is|are|it|there|there's|has|have|the)\b)+$", FLAGS)
KEEPS = re.compile(r"\s*(?:to\s+)?(?:remov\w*|chang\w*|los\w*|touch\w*|alter\w*|delet\w*|tak\w+\s+away)\b", FLAGS)
FILLER = re.compile(
    r"(?:want|wanted|need|like|have|has|having|be|being|show|showing|add|adding|include|wear|wearing|contain|any|"
    r"visible|longer|more|other|a|an|the|all|its|his|her|their|of|into|scene|making|with|in|on|at|by|from|near|as|so|"
    r"much|"
    r"very)\s+",
    FLAGS,
)
TAIL = re.compile(
    r"\s+(?:(?:(?:that|which)\s+)?(?:is|are)\s+)?(?:visible|shown|present|at\s+all|any\s*more|anywhere|"
    r"(?:(?:in|from|into|on|to|of|at|around|next\s+to|above|behind|near)\s+)+(?:it|them|(?:the|this)?\s*(?:back|fore)?"
    r"(?:ground|picture|image|photo|scene|view|sight|frame|shot|top|bottom|front|back|side|left|right)))$",
    FLAGS,
)
EMPTY = re.compile(
    r"(?:(?:an?|the|any|two|three|\d+|ones?|of|it|them|this|that|others?|same|more|less|so|very|too|as|is|are)(?:\s+|"
    r"$))*",
    FLAGS,
)
ABSENT = re.compile(
    r"(.+?)\s+(?:(?:is|are|have|has|should|must|to)\s+)?(?:been\s+|be\s+)?(?:not\s+(?:visible|there|"
    r"shown|present|seen)|missing|gone|absent|removed|taken\s+(?:away|out|off))$",
    FLAGS,
)
REMOVE = re.compile(
    r"(?:remov(?:e|es|ing)|delet(?:e|es|ing)|eras(?:e|es|ing)|eliminat(?:e|es|ing)|exclud(?:e|es|ing)|"
    r"avoid(?:s|ing)?|hid(?:e|es|ing)|skip|discard|leave\s+out|omit|lose|drop|take\s+(?:away|out|off)|get\s+rid\s+of|"
    r"clear\s+away)\s+(.+)",
    FLAGS,
)
TAKEN = re.compile(r"take\s+(.+?)\s+(?:away|out|off)$", FLAGS)
FROM = re.compile(r"\s+(?:from|off|out\s+of)\s+(?:the|its|his|her|their|an?|\w+ground)\b.*$", FLAGS)
NAMES = re.compile(r"[^\S\n]*(?:,|/|\b(?:and|or|nor|as\s+well\s+as)\b)[^\S\n]*", FLAGS)
OTHER = re.compile(r"\b(?:others?|else|another)\b", FLAGS)
TWO_COLOURS = re.compile(rf"\b({COLOUR})\s+and\s+(?={COLOUR}\b)", FLAGS)
ALL_BUT = re.compile(r"(?:all|every\w*)\s+(?:\w+\s+){0,3}?(?:but|except(?:\s+for)?)\s+(.+)", FLAGS)
SOME = re.compile(
    r"(?:one|two|three|four|five|\d+|some|most|half|a\s+few|few|several|part|the\s+(?:second|third|other|last))\b",
    FLAGS,
)
LESS = re.compile(
    r"(?:(?:is|are|has|have|shows?|looks?|a|much|with|slightly)\s+)*(?:fewer|less|not\s+(?:as|so|too|very|much))\b",
    FLAGS,
)
INSTEAD = re.compile(
    r"(.*?)\s*\b(?:instead\s+of|rather\s+th[ae]n|in\s+place\s+of|(?:instead|rather|rathet)\s+(?=(?:of\s+)?\w+ing\b))\s*"
    r"(?:\w*(?:making|showing|targett?ing|having|being)\b(?:\s+(?:it|with|in|on|to|of))?\s*)?(.*)",
    FLAGS,
)
REPLACE = re.compile(r"(?:replac|exchang|swap|swapp|substitut)\w*\s+(.+?)\s+(?:with|by|for|to|into)\s+(.+)", FLAGS)
CHANGE = re.compile(r"(?:chang|turn|switch|convert|transform)\w*\s+(.+?)\s+(?:(?:in)?to|for|with|by)\s+(.+)", FLAGS)
INTO = re.compile(r"(?:chang|switch|convert|transform|turn)\w*\s+(?:in)?to\s+(.+)", FLAGS)
OF = re.compile(r"(?:the\s+)?(colou?r|shape|size|style|breed|angle|position|material|pattern)s?\s+of\s+(.+)", FLAGS)
QUALITY = re.compile(
    r"(?:the\s+|its\s+)?(?:.*\s)?(?:colou?r|background|angle|position|size|style|breed|view|shape|material|lighting|"
    r"setting|"
    r"scene|location|ground|pattern)s?$",
    FLAGS,
)
STATE = re.compile(
    rf"(?:be|face|have|look|stand|sit|lie)\b|(?:an?\s+)?(?:{COLOUR_PHRASE}|{COMPARATIVE})(?:\s+colou?r)?$", FLAGS
)
SERIES = re.compile(
    r"(?:an?\s+)?(.+?)\s+(?:(?:from|of)\s+the\s+same\s+\w+\s+)?(?:in|of|with)\s+(?:the\s+)?same\s+(?:colou?r|style|"
    r"material)$",
    FLAGS,
)
SAME_IN = re.compile(
    r"(?:(?:the\s+|this\s+)?same(?:\s+(?:one|thing|\w+))?|it|this|make\s+(?:it|this|"
    r"them))\s*(?:,?\s*but\s+)?(?:in)\s+(.+)",
    FLAGS,
)
IN_COLOUR = re.compile(rf"in\s+({COLOUR_PHRASE})", FLAGS)
SAME = re.compile(
    r"(?:(?:is|are|has|have|keep|it|they|shows?|taken|seen|shot|viewed|from|in|of|with|the\s+photo|photo|"
    r"at)\s+)*(?:the\s+|a\s+)?"
    r"(?:same|similar)\b(?:\s+[\w-]+){0,4}$|keep\s+.+",
    FLAGS,
)
MAKE = re.compile(r"(?:make|paint|dye|colou?r|turn)\s+(?:it|this|them)\s+(.+)", FLAGS)
MAKE_COLOUR = re.compile(
    rf"(?:make|paint|dye|colou?r|turn)\s+(?:the\s+|his\s+|her\s+|"
    rf"its\s+)?(.+?)\s+(?:in\s+)?(?:be\s+)?(?:an?\s+)?({COLOUR_PHRASE})"
    r"(?:\s+colou?r(?:ed)?)?$",
    FLAGS,
)
ADD = re.compile(
    r"(?:(?:adds?|adding|includes?|including|inserts?|attach|puts?|places?|with|wearing|wears?|make\s+(?:it|"
    r"out)\s+with|"
    r"focus\s+(?:more\s+)?on|target\s+on)|(?:(?:it|they|that|there|(?:the\s+)?(?:target\s+)?(?:photo|picture|image|"
    r"target|"
    r"dress|shirt))\s+)?(?:also\s+)?(?:has|have|having|shows?|showing|is\s+with|are\s+with|"
    r"is\s+wearing|are\s+wearing|there\s+(?:is|are)|contains?)(?:\s+also)?)\s+(.+)",
    FLAGS,
)
THERE = re.compile(
    r"\s+(?:next\s+to|in\s+front\s+of|on|in|to|of|behind|above)\s+(?:it|them|(?:the\s+)?(?:picture|image|photo))$",
    FLAGS,
)
IS = re.compile(
    r"(?:it'?s|(?:(?:it|they|this|that|(?:the\s+)?(?:target\s+)?(?:photo|picture|image|target|dress|shirt|top))\s+)?"
    r"(?:also\s+)?(?:is|are|be)(?:\s+also)?)\s+(.+)",
    FLAGS,
)
MORE = re.compile(rf"(?:is\s+|much\s+|of\s+|an?\s+(?:(?:bit|little)\s+)?|slightly\s+)*{COMPARATIVE}\b", FLAGS)
