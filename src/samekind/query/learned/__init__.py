"""A composition that a collection learns on itself, without labels; refused unless it beats the training-free ones."""

from samekind.query.learned.fitting import learn_composition
from samekind.query.learned.gate import LearnedComposition
from samekind.query.learned.head import Head
from samekind.query.learned.saved import accepted_head

__all__ = ["Head", "LearnedComposition", "accepted_head", "learn_composition"]
