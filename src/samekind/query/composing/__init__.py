"""Compositions of a reference picture and words into one ranking, none of which is trained; one file each."""

import math
from dataclasses import dataclass

from samekind.errors import UsageError, unknown_name
from samekind.query.composing.align import arithmetic
from samekind.query.composing.analogy import analogy
from samekind.query.composing.cirevl import cirevl
from samekind.query.composing.given import ROLES, Given, Method, Scores, standard
from samekind.query.composing.mix import Mix
from samekind.query.composing.pdv import pdv
from samekind.query.composing.roles import roles
from samekind.query.composing.slerp import slerp
from samekind.query.composing.sums import weighted_sum
from samekind.query.composing.weimocir import weimocir


@dataclass(frozen=True)
class Composition:
    """A method with its usual ``change`` and ``keep``.

    ``own_roles``: it sees to what stays and vanishes by itself; ``captions``: it uses the reference in words.
    """

    run: Method
    change: float = 1.0
    keep: float = 0.5
    own_roles: bool = False
    captions: bool = False

    @property
    def sliders(self) -> tuple[float, float]:
        """The usual ``change`` and ``keep``."""
        return self.change, self.keep


METHODS = {
    "sum": Composition(weighted_sum),
    "slerp": Composition(slerp),
    "align": Composition(arithmetic, keep=1.0, own_roles=True),
    "analogy": Composition(analogy, keep=1.0, captions=True),
    "pdv": Composition(pdv, change=1.4, keep=0.25, captions=True),
    "weimocir": Composition(weimocir, keep=0.35, captions=True),
    "cirevl": Composition(cirevl, keep=0.5, captions=True),
    "roles": Composition(roles),
}
USUAL = "sum"


def find_method(name: str, change: float | None = None, keep: float | None = None) -> Composition:
    """The method of that name. Raises UsageError for an unknown one, and for sliders that are out of their range."""
    if name not in METHODS:
        raise unknown_name("method", name, list(METHODS))
    if change is not None and not (math.isfinite(change) and change >= 0):
        raise UsageError(f"The change must be a number from 0 on, not {change}.")
    if keep is not None and not 0 <= keep <= 1:
        raise UsageError(f"What is kept of the picture must lie between 0 and 1, not {keep}.")
    return METHODS[name]


def mixed(given: Given, method: str, change: float, keep: float) -> Mix:
    """All that was asked, as the method weighs it."""
    how = METHODS[method]
    weights = how.run(given, change, keep)
    return Mix(given, weights if how.own_roles else weights | ROLES)


def composed(given: Given, method: str, change: float, keep: float) -> Scores:
    """(n,) how well each picture fits all that was asked."""
    return mixed(given, method, change, keep).scores


__all__ = ["METHODS", "USUAL", "Composition", "Given", "Mix", "Scores", "composed", "find_method", "mixed", "standard"]
