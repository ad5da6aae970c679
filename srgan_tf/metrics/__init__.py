"""Scores of one picture against its reference.

Each function takes `(reference, estimate)`, two uint8 [height, width, 3] pictures of one size, and returns a float.
"""
