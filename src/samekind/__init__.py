"""Visual search that learns what the same kind means in your own collections."""
