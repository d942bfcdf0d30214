from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import UsageError
from samekind.pictures import globs


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.jpg", "a.jpg", True),
        ("*.jpg", "b/a.jpg", False),
        ("**/*.jpg", "a.jpg", True),
        ("**/*.jpg", "c/b/a.jpg", True),
        ("**/*.jpg", "a.jpg.txt", False),
        ("a/**", "a/b/c", True),
        ("a/**/b.*", "a/b.c", True),
        ("a/**/b.*", "a/x/y/b.c", True),
        ("a/**/b.*", "a/xb.c", False),
        ("[ab]?.p*", "b2.png", True),
        ("[ab]?.p*", "c2.png", False),
        ("[!a].x", "b.x", True),
        ("[!a].x", "a.x", False),
        ("[!a]x", "/x", False),
        ("[a.x*", "[a.xy", True),
        ("[]].x*", "].x", True),
        ("[a-c^]x", "^x", True),
        ("a.b*", "a-b", False),
        ("*", "two\nlines", True),
    ],
)
def test_patterns(pattern: str, path: str, matches: bool) -> None:
    assert bool(globs.compiled(pattern).fullmatch(path)) is matches


@pytest.mark.parametrize(
    ("text", "split", "levels"),
    [
        ("a/b/*.jpg", ("a/b", "*.jpg"), 1),
        ("/x/**/y", ("/x", "**/y"), None),
        ("*.jpg", (".", "*.jpg"), 1),
        ("/*/b", ("/", "*/b"), 2),
        ("../x?/y", ("..", "x?/y"), 2),
    ],
)
def test_the_root_is_what_stands_before_the_first_wildcard(text: str, split: tuple[str, str], levels: int) -> None:
    assert globs.split(text) == split
    assert globs.levels(split[1]) == levels


def test_a_range_that_runs_backwards() -> None:
    with pytest.raises(UsageError, match="brackets"):
        globs.compiled("[z-a]*")


@given(st.text("ab/*?[]!-^\\.", min_size=1, max_size=12))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    try:
        globs.compiled(text)
    except UsageError:
        assert "-" in text
