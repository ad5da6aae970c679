"""Pixels: conversions, resizing, tiles, picture files."""
