"""Asking: queries, the search, and hits that know how to show themselves."""
