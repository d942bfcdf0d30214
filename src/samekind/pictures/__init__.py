"""Files to pixels: scanning folders, decoding, and the views that encoders look through."""
