"""Pixels to unit vectors: the encoders, their weights, and the runtime they share."""
