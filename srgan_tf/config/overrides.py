"""Settings as text: changed by the command line, and described for it."""

import dataclasses
import difflib
import functools
import json
import operator

from srgan_tf.config.schema import Config, flatten, from_dict, to_dict
from srgan_tf.errors import UserError


def with_settings(config, assignments):
    """Changes settings by `name=value` texts, as `--set` takes them.

    Values are read as JSON where they are JSON (`1e5`, `true`, `["a", "b"]`), else as text. A new `generator.name`
    or `discriminator.name` brings that network's own default options.

    Raises:
        UserError: an unknown name (with the nearest right one), or a value of the wrong type or range.

    >>> with_settings(Config(), ["gan.steps=1e3", "generator.num_blocks=8"]).gan.steps
    1000
    """
    settings = to_dict(config)
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        if not separator:
            raise UserError(f"--set takes NAME=VALUE (received {assignment!r})")
        known = flatten(settings)
        if name not in known:
            nearest = difflib.get_close_matches(name, known, 1, 0.0)[0]
            raise UserError(f"unknown setting {name!r} (received {assignment!r}); the nearest is {nearest!r}")
        *groups, leaf = name.split(".")
        parent = functools.reduce(operator.getitem, groups, settings)
        parent[leaf] = _parse(text)
        if leaf == "name" and groups in (["generator"], ["discriminator"]):
            # The old network's options are not the new one's, which may be set in turn.
            (group,) = groups
            settings[group] = to_dict(from_dict({group: {"name": parent[leaf]}}))[group]
    return from_dict(settings)


def describe(config):
    """One line for each setting: its dotted name, the value, and what it means."""
    meanings = _meanings(Config)
    return [
        f"{name} = {json.dumps(value)}{'  ' + meanings[name] if meanings.get(name) else ''}"
        for name, value in flatten(to_dict(config)).items()
    ]


def _meanings(settings_class, prefix=""):
    meanings = {}
    for field in dataclasses.fields(settings_class):
        if dataclasses.is_dataclass(field.type):
            meanings |= _meanings(field.type, f"{prefix}{field.name}.")
        else:
            meanings[prefix + field.name] = settings_class.__pydantic_fields__[field.name].description
    return meanings


def _parse(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
