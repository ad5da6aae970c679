"""`python -m benchmarks.on_demand SETTINGS`: one training step for each line of standard input; see `benchmarks.turns`.

SETTINGS is JSON: preset, phase, precision, batch_size, hr_patch_size, and torch, true for the step in PyTorch. Prints
"ready" after some steps, then the seconds of each step.
"""

import json
import os
import sys

from benchmarks import sizes
from benchmarks.timing import call_seconds

_WARM_UP = 4


def main(settings, requests, answers):
    """Does the steps.

    Args:
        settings: dictionary; see above.
        requests: lines, one for each step.
        answers: text file.
    """
    step = _torch_step(settings) if settings["torch"] else _step(settings)
    for _ in range(_WARM_UP):
        step()
    print("ready", file=answers, flush=True)
    for _ in requests:
        [seconds] = call_seconds({"": step}, 1, warm_up=0)[""]
        print(seconds, file=answers, flush=True)


def _step(settings):
    from benchmarks.train import training_steps

    config = sizes.config_of(settings["preset"], settings["batch_size"], settings["hr_patch_size"])
    step, _ = training_steps(config, settings["phase"], settings["precision"], jit=False, number=1)
    return step


def _torch_step(settings):
    from benchmarks.torch_step import timed_works

    works = timed_works(
        batch_size=settings["batch_size"],
        hr_patch_size=settings["hr_patch_size"],
        bfloat16=settings["precision"] == "bfloat16",
    )
    return works[settings["phase"]]


if __name__ == "__main__":
    # Libraries that print to standard output do not disturb the answers.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        main(json.loads(sys.argv[1]), sys.stdin, answers)
