"""A small world drawn from a seed, to try everything on."""
