"""Images: pixel conversions, resizing, tiling, transparency, comparison strips, image files."""
