"""One encoder for several collections, fitted without labels."""

from samekind.adapt.adapt import Adapted, adapt

__all__ = ["Adapted", "adapt"]
