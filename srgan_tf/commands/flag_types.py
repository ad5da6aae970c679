"""Types of the flags of `srgan-tf upscale`; each takes the text of a flag and returns its value."""

import argparse
import re


def factor(text):
    """A number above 0, at most 64."""
    if re.fullmatch(r"\d+\.?\d*|\.\d+", text) and 0 < float(text) <= 64:
        return float(text)
    raise argparse.ArgumentTypeError(f"expected a factor between 0 and 64 (received {text!r})")


def box(text):
    """WIDTHxHEIGHT: two integers above 0."""
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT in pixels, such as 1920x1080 (received {text!r})")
    return int(match[1]), int(match[2])


def crop(text):
    """X,Y,WIDTH,HEIGHT: four integers."""
    match = re.fullmatch(r"(\d{1,9}),(\d{1,9}),([1-9]\d{0,8}),([1-9]\d{0,8})", text, re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(
            f"expected X,Y,WIDTH,HEIGHT in pixels, such as 100,50,200,200 (received {text!r})"
        )
    return tuple(map(int, match.groups()))


def frames(text):
    """FIRST-LAST: two integers."""
    match = re.fullmatch(r"(\d{1,9})-(\d{1,9})", text, re.ASCII)
    if match is None or int(match[1]) > int(match[2]):
        raise argparse.ArgumentTypeError(f"expected FIRST-LAST, such as 0-99 (received {text!r})")
    return int(match[1]), int(match[2])


def count(text):
    """An integer of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected 0, 1, 2, ... (received {text!r})")
    return int(text)
