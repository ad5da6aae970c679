"""The files of this folder that the page is made of."""

import importlib.resources
import string


def read(name):
    """The text of a file of this folder."""
    return importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def fill(template, **values):
    """The text of a file with `$name` replaced by the values, which must be HTML already."""
    return string.Template(read(template)).substitute(values)
