"""Changing settings from the command line, and describing them."""

import dataclasses
import difflib
import inspect
import json
import math
import re

from srgan_tf.config.schema import NETWORKS, RENAMED, Config, complete_options, flatten
from srgan_tf.errors import UserError


def with_settings(config, assignments):
    """Changes settings by `NAME=VALUE` texts, the format of `--set`.

    A value is parsed as JSON (`1e5`, `true`, `["a", "b"]`), or else taken as text. A new `generator.name` or
    `discriminator.name` resets the options of that network to its defaults. If the patch size is not a multiple of a
    new scale and is not set itself, it becomes the nearest one that is also a multiple of 16, for the discriminator.

    Raises:
        UserError: an unknown name (the message has the nearest one), or a value of the wrong type or range.

    >>> with_settings(Config(), ["gan.steps=1e3", "generator.num_blocks=8"]).gan.steps
    1000
    """
    settings = config.to_dict()
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        if not separator:
            raise UserError(f"--set takes NAME=VALUE (received {assignment!r})")
        if name in RENAMED:
            raise UserError(f"the setting {name!r} is now called {RENAMED[name]!r} (received {assignment!r})")
        known = flatten(settings)
        if name not in known:
            nearest = difflib.get_close_matches(name, known, 1, 0.0)[0]
            raise UserError(f"unknown setting {name!r} (received {assignment!r}); the nearest is {nearest!r}")
        *groups, leaf = name.split(".")
        parent = settings
        for group in groups:
            parent = parent[group]
        if leaf == "name" and groups[0] in NETWORKS:  # another network, with other options
            settings[groups[0]] = complete_options(groups[0], {"name": _parse(text)})
        else:
            parent[leaf] = _parse(text)
    names = [assignment.partition("=")[0] for assignment in assignments]
    if "scale" in names and "data.hr_patch_size" not in names:
        settings["data"]["hr_patch_size"] = _fitting_patch_size(config.data.hr_patch_size, settings["scale"])
    return Config.from_dict(settings)


def describe(config):
    """One line for each setting: its dotted name, its value and its description."""
    meanings = descriptions(config)
    return [f"{name} = {json.dumps(value)}  {meanings[name]}" for name, value in flatten(config.to_dict()).items()]


def descriptions(config):
    """Dictionary from the dotted name of each setting, options of the networks included, to its description."""
    meanings = _field_descriptions(Config)
    for field, (builders, _) in NETWORKS.items():
        options = dict(getattr(config, field))
        arguments = _argument_descriptions(builders[options.pop("name")])
        meanings[f"{field}.name"] = f"{meanings.pop(field).split()[1]}: one of {', '.join(builders)}"
        meanings |= {f"{field}.{name}": arguments.get(name, "") for name in options}
    return meanings


def _field_descriptions(settings_class, prefix=""):
    meanings = {}
    for field in dataclasses.fields(settings_class):
        if dataclasses.is_dataclass(field.type):
            meanings |= _field_descriptions(field.type, f"{prefix}{field.name}.")
        else:
            meanings[prefix + field.name] = settings_class.__pydantic_fields__[field.name].description
    return meanings


def _argument_descriptions(function):
    """The entries of a docstring's "Args" section, each as one line."""
    _, _, section = inspect.getdoc(function).partition("Args:\n")
    section = section.split("\n\n")[0]
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()).rstrip(".") for name, text in entries}


def _fitting_patch_size(size, scale):
    """The patch size if it suits the scale, else the nearest multiple of the scale and of 16."""
    if not isinstance(scale, int) or scale < 1 or size % scale == 0:  # an invalid scale is reported by `Config`
        return size
    step = math.lcm(scale, 16)
    return max(step, step * round(size / step))


def _parse(text):
    try:
        return json.loads(text)
    except ValueError:  # also integers of thousands of digits
        return text
