"""What is learned from whole collections, without labels: one encoder for all of them, and the kinds in each."""

from samekind.adapt.adapt import Adapted, adapt

__all__ = ["Adapted", "adapt"]
