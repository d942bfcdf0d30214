"""What a collection learns from its own vectors, in closed form: pure arrays, no files but its own."""

from samekind.tuning.fitting import fit
from samekind.tuning.tuning import Tuning

__all__ = ["Tuning", "fit"]
