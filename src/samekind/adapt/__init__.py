"""What is learned from whole collections, without labels: one encoder for all of them, and the kinds in each."""

from samekind.adapt.adapt import Adapted, adapt
from samekind.adapt.grow import grow

__all__ = ["Adapted", "adapt", "grow"]
