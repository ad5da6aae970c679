"""The run folder: names of the files in it, and their readers.

config.json        the settings
sessions.jsonl     one line for each time that the run was started: command, versions, device
metrics.jsonl      one line for each report and validation
tensorboard/       the same for TensorBoard
checkpoints/PHASE/STEP/   everything needed to resume
samples/           validation pictures
generator.keras    the averaged generator
"""

import pathlib

CONFIG_FILE = "config.json"
SESSIONS_FILE = "sessions.jsonl"
METRICS_FILE = "metrics.jsonl"
GENERATOR_FILE = "generator.keras"
TENSORBOARD_FOLDER = "tensorboard"
SAMPLES_FOLDER = "samples"

# In the rows of metrics.jsonl.
SCORE_PREFIX = "eval/"  # of the name of each validation score
IMAGES_PER_SECOND = "speed/images_per_second"


def checkpoints_folder(workdir, phase):
    """The folder of a phase's checkpoints."""
    return pathlib.Path(workdir) / "checkpoints" / phase


def checkpoint_folder(workdir, phase, step):
    """The folder of one checkpoint."""
    return checkpoints_folder(workdir, phase) / f"{step:07}"
