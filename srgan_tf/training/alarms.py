"""Warnings about a training that goes wrong although its numbers are finite."""

import logging
import math
from collections.abc import Callable
from typing import NamedTuple

from srgan_tf.training import names

_log = logging.getLogger(__name__)

_ACCURACY_MARGIN = 0.005  # of an accuracy that counts as 0 or 1


class _Alarm(NamedTuple):
    """A condition on scalars.

    Attributes:
        tags: the scalars that it needs.
        wrong: function from their values to whether they are wrong.
        patience: number of wrong reports in a row that switch the alarm on.
        text: the warning, a format string of the values.
    """

    tags: tuple[str, ...]
    wrong: Callable[..., bool]
    patience: int
    text: str


def _stuck(real, fake):
    return all(min(accuracy, 1.0 - accuracy) < _ACCURACY_MARGIN for accuracy in (real, fake))


_ALARMS = {
    "discriminator": _Alarm(
        (names.REAL_ACCURACY, names.FAKE_ACCURACY),
        _stuck,
        10,
        "the discriminator classifies all images correctly, or all wrongly, for 10 reports (accuracy of real {:.3f}, "
        "fake {:.3f}): the generator learns little from it; try a lower gan.learning_rate.initial or another "
        "gan.adversarial",
    ),
    "saturation": _Alarm(
        (names.SATURATED,),
        lambda share: share > 0.1,
        3,
        "{:.0%} more of the output than of the HR images is black or white: the generator saturates; "
        "try a lower learning rate",
    ),
    names.GRID: _Alarm(
        (names.score_tag(names.GRID),),
        lambda ratio: ratio > 2.0,
        2,
        "the output has a grid of the pixel shuffle's period: {:.1f} times the energy of the HR pictures; "
        "increase gan.grid_weight or gan.pixel_weight",
    ),
    names.COLOUR_DRIFT: _Alarm(
        (names.score_tag(names.COLOUR_DRIFT),),
        lambda levels: levels > 2.0,
        1,
        "colours drift: the downscaled output differs from the input by {:.1f} grey levels; increase gan.colour_weight",
    ),
}


class Alarms:
    """The alarms of a phase. Each is logged when it is switched on and when it is switched off."""

    def __init__(self):
        self._in_a_row = dict.fromkeys(_ALARMS, 0)

    def replay(self, reports):
        """Restores the alarms' state from earlier reports, without logging.

        Args:
            reports: floats by tag of each report.
        """
        for scalars in reports:
            for name, alarm, values in _reported(scalars):
                self._is_on_after(name, alarm, values)

    def check(self, scalars):
        """Updates the alarms with one report.

        Args:
            scalars: floats by tag; an alarm whose tags are absent does not change.

        Returns:
            Dictionary from the tag of each alarm whose tags are present to 1.0 if it is on, else 0.0.
        """
        states = {}
        for name, alarm, values in _reported(scalars):
            was_on = self._in_a_row[name] >= alarm.patience
            is_on = self._is_on_after(name, alarm, values)
            if is_on and not was_on:
                _log.warning("alarm: %s", alarm.text.format(*values))
            elif was_on and not is_on:
                _log.info("alarm over: %s", name)
            states[names.alarm_tag(name)] = float(is_on)
        return states

    def _is_on_after(self, name, alarm, values):
        self._in_a_row[name] = self._in_a_row[name] + 1 if alarm.wrong(*values) else 0
        return self._in_a_row[name] >= alarm.patience


def _reported(scalars):
    """(name, alarm, values) of the alarms whose tags are all present and finite."""
    for name, alarm in _ALARMS.items():
        values = [scalars.get(tag) for tag in alarm.tags]
        if all(
            value is not None and math.isfinite(value) for value in values
        ):  # metrics.jsonl has None for those that are not
            yield name, alarm, values
