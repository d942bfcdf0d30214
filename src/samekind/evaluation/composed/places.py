"""Where the pictures that annotation files name lie: anywhere below a folder, found by their names without ending."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from samekind.errors import UsageError
from samekind.events import Skipped
from samekind.pictures.scan import Source, scan


def stems_below(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """The pictures below a folder, as the rest of the product finds them: name without ending -> POSIX paths."""
    found: dict[str, tuple[str, ...]] = {}
    for one in scan(Source(folder, whole=True)):
        if not isinstance(one, Skipped):
            stem = PurePosixPath(one.path).stem
            found[stem] = (*found.get(stem, ()), one.path)
    return found


def places_of(
    names: Iterable[str], stems: Mapping[str, tuple[str, ...]], folder: Path, of: str, stem: Callable[[str], str] = str
) -> dict[str, str]:
    """Each name's path below ``folder``; ``stem`` makes a file's name of it, ``of`` says whose pictures they are.

    Raises UsageError where pictures are missing, with how many of how many and the first one, and where two files have
    the same name.
    """
    wanted = dict.fromkeys(names)
    missing = [name for name in wanted if stem(name) not in stems]
    if missing:
        raise lacking(missing, len(wanted), of, f"are not below {folder}", stem(missing[0]), "put them there")
    for name in wanted:
        if len(stems[stem(name)]) > 1:
            first, second, *_ = stems[stem(name)]
            raise UsageError(
                f"Below {folder} two pictures are called {stem(name)}, {first} and {second}; name a folder with one."
            )
    return {name: stems[stem(name)][0] for name in wanted}


def lacking(names: list[str], wanted: int, of: str, why: str, first: str, then: str) -> UsageError:
    """The error that says how many pictures a benchmark lacks, and that there are no figures without them."""
    return UsageError(
        f"{len(names):,} of {wanted:,} pictures of {of} {why}, the first is {first}; {then}, for figures without them "
        "could not be compared."
    )
