"""How well search works on labelled pictures, with intervals."""
