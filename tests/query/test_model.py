from pathlib import Path

import numpy as np
import pytest

from samekind.errors import UsageError
from samekind.query import Picture, Query, Stored, Vector


def test_a_query_keeps_its_parts_in_order() -> None:
    parts = (Stored("a"), Picture(Path("x.jpg")), Vector(np.ones(3)), Picture(b"...", weight=-1))
    query = Query(*parts)
    assert query.parts == parts
    assert query.pictures == (parts[1], parts[3])


def test_a_picture_is_named_by_a_text_or_a_path() -> None:
    assert Picture("robin.jpg").source == Picture(Path("robin.jpg")).source == Path("robin.jpg")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Query(), "at least one part"),
        (lambda: Query("robin.jpg"), "not str"),  # type: ignore[arg-type]
        (lambda: Query(Stored("a", 0), Stored("b", 0)), "All weights"),
        (lambda: Picture(7), "not int"),  # type: ignore[arg-type]
        (lambda: Picture(np.zeros((2, 2), np.uint8)), "\\(2, 2\\)"),
        (lambda: Picture(np.zeros((0, 2, 3), np.uint8)), "\\(0, 2, 3\\)"),
        (lambda: Picture(np.zeros((2, 2, 3), np.float32)), "float32"),
        (lambda: Stored("a", float("nan")), "finite"),
        (lambda: Vector(np.zeros(4)), "not all zero"),
        (lambda: Vector(np.array([1, np.inf])), "finite"),
        (lambda: Vector(np.ones((2, 4))), "one row"),
        (lambda: Vector(np.array(["a"])), "one row"),
    ],
)
def test_impossible_parts_are_refused(make: object, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make()  # type: ignore[operator]
