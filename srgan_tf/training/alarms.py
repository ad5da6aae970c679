"""Signs that a training goes wrong although its numbers are finite."""

import logging
import math
from collections.abc import Callable
from typing import NamedTuple

_log = logging.getLogger(__name__)

_ACCURACY_MARGIN = 0.005


class _Alarm(NamedTuple):
    """What is watched: the tags it needs, when it is wrong, for how many reports in a row, and what to tell."""

    tags: tuple[str, ...]
    wrong: Callable[..., bool]
    patience: int
    text: str


def _stuck(real, fake):
    return all(min(accuracy, 1.0 - accuracy) < _ACCURACY_MARGIN for accuracy in (real, fake))


_ALARMS = {
    "discriminator": _Alarm(
        ("accuracy/real", "accuracy/fake"),
        _stuck,
        10,
        "the discriminator is right about all pictures, or wrong about all, for 10 reports (accuracy of real {:.3f}, "
        "fake {:.3f}): the generator learns little from it; try a lower gan.learning_rate.initial or another "
        "gan.adversarial",
    ),
    "saturation": _Alarm(
        ("sr/saturated",),
        lambda share: share > 0.1,
        3,
        "{:.0%} more of the output than of the pictures is black or white: the generator saturates; "
        "try a lower learning rate",
    ),
    "grid": _Alarm(
        ("eval/grid",),
        lambda ratio: ratio > 2.0,
        2,
        "a grid of the pixel shuffle's period shows: {:.1f} times the energy in the HR pictures; give gan.grid_weight "
        "or gan.pixel_weight more weight",
    ),
    "colour_drift": _Alarm(
        ("eval/colour_drift",),
        lambda levels: levels > 2.0,
        1,
        "colours drift: the downscaled output is {:.1f} grey levels off the input; give gan.pixel_weight more weight",
    ),
}


class Alarms:
    """Watches the reports of a phase; each alarm is logged when it begins and once more when it ends."""

    def __init__(self):
        self._in_a_row = dict.fromkeys(_ALARMS, 0)

    def replay(self, reports):
        """Takes in reports of before, which have been told.

        Args:
            reports: floats by tag, of each.
        """
        for scalars in reports:
            for name, alarm, values in _judgeable(scalars):
                self._is_on_after(name, alarm, values)

    def check(self, scalars):
        """Looks at one report.

        Args:
            scalars: floats by tag; an alarm whose tags are absent is left as it was.

        Returns:
            For each alarm that could be judged: "alarm/NAME" to 1.0 if it is on, else 0.0.
        """
        states = {}
        for name, alarm, values in _judgeable(scalars):
            was_on = self._in_a_row[name] >= alarm.patience
            is_on = self._is_on_after(name, alarm, values)
            if is_on and not was_on:
                _log.warning("alarm: %s", alarm.text.format(*values))
            elif was_on and not is_on:
                _log.info("alarm over: %s", name)
            states[f"alarm/{name}"] = float(is_on)
        return states

    def _is_on_after(self, name, alarm, values):
        self._in_a_row[name] = self._in_a_row[name] + 1 if alarm.wrong(*values) else 0
        return self._in_a_row[name] >= alarm.patience


def _judgeable(scalars):
    """The alarms whose figures are all there, with their names and those figures."""
    for name, alarm in _ALARMS.items():
        values = [scalars.get(tag) for tag in alarm.tags]
        if all(value is not None and math.isfinite(value) for value in values):  # metrics.jsonl has None for the others
            yield name, alarm, values
