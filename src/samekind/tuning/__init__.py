"""What a collection learns from its own vectors, in closed form: pure arrays, no files but its own."""
