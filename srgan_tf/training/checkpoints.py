"""Checkpoints of a phase: written atomically; the newest few and the best are kept."""

import contextlib
import json
import logging
import math
import os
import pathlib

import numpy as np
import tensorflow as tf

from srgan_tf.errors import WorkError, first_line
from srgan_tf.files import atomic_write, remove_folder, sha256
from srgan_tf.runs import GENERATOR_FILE

_STATE = "state"
_SUMS_FILE = "sha256.json"
_BEST_FILE = "best.json"
_REPLACED = ".replaced-"
_REMOVED = ".removed-"

_log = logging.getLogger(__name__)


class DivergedError(WorkError):
    """A loss, a weight or too many gradients are not finite."""

    def __init__(self, step, reason):
        super().__init__(
            f"training diverged by step {step}: {reason}. The last checkpoint is older than that; "
            "try --precision float32, or a lower learning rate in a new --workdir with --init-generator"
        )


class Checkpoints:
    """The checkpoints of one phase, each a folder named by its step.

    A folder contains the state as TensorFlow writes it, generator.keras (so that the folder can be used as a model),
    and the checksums of both. It is renamed to its final name when it is complete.

    Args:
        folder: their parent folder, such as `runs/srgan_x4/checkpoints/gan`.
        state: the `TrainingState` that is saved and restored.
        keep: number of the newest checkpoints to keep.
        best: metrics whose best checkpoint is kept too: True by name if higher is better.
        writes: False if another process writes: `save` then writes nothing.
    """

    def __init__(self, folder, state, *, keep, best=None, writes=True):
        self._folder = pathlib.Path(folder)
        self._state = state
        self._checkpoint = state.checkpoint()
        self._keep = keep
        self._higher_is_better = best or {}
        self._writes = writes

    def save(self):
        """Saves the state under its step.

        Raises:
            DivergedError: a weight is not finite.
            WorkError: it cannot be written. Earlier checkpoints are intact.
        """
        step = int(self._state.step.numpy())
        for weight in self._state.weights():
            if not np.isfinite(weight.numpy()).all():
                raise DivergedError(step, f"{weight.path} is not finite")
        if not self._writes:
            return
        unfinished = self._folder / f".unfinished-{os.getpid()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._remove_leftovers()
            unfinished.mkdir()
            self._checkpoint.write(str(unfinished / _STATE))
            self._state.generator_ema.save(unfinished / GENERATOR_FILE)
            sums = {file.name: sha256(file) for file in sorted(unfinished.iterdir())}
            (unfinished / _SUMS_FILE).write_text(json.dumps(sums, indent=2) + "\n")
            _give_name(unfinished, self._folder / _name(step))
            self._remove_old()
        except (OSError, tf.errors.OpError) as error:
            with contextlib.suppress(OSError):
                remove_folder(unfinished)
            raise WorkError(
                f"cannot save a checkpoint in {str(self._folder)!r}: {first_line(error)}. "
                "Earlier checkpoints are intact"
            ) from error

    def restore(self):
        """Restores the newest intact checkpoint into the state. Damaged ones are logged and skipped.

        Returns:
            The step of the checkpoint; None if there is no checkpoint.

        Raises:
            WorkError: all checkpoints are damaged, or another version of this program wrote them.
        """
        if self._writes:
            self._recover()
            with contextlib.suppress(OSError):  # the next `save` reports it
                self._remove_leftovers()
        folders = steps_in(self._folder)
        for step in reversed(folders):
            folder = self._folder / _name(step)
            damage = _damage(folder)
            if damage:
                _log.warning("the checkpoint %s is damaged: %s; trying the one before it", folder, damage)
                continue
            # Everything saved must be restored; otherwise part of the state would start anew.
            try:
                self._checkpoint.read(str(folder / _STATE)).assert_consumed()
            except (AssertionError, ValueError) as error:
                raise WorkError(
                    f"the checkpoint {str(folder)!r} is of another version of this program: {first_line(error)[:200]}"
                ) from error
            return step
        if folders:
            raise WorkError(f"all checkpoints in {str(self._folder)!r} are damaged: remove that folder to start again")
        return None

    def generator_file(self, step):
        """Path of the averaged generator that was saved at a step."""
        return self._folder / _name(step) / GENERATOR_FILE

    def record_scores(self, scores):
        """Records the scores at the state's step. If one is the best so far, the checkpoint of this step is kept.

        Args:
            scores: mean of each metric; those that `best` names are compared.

        Returns:
            Whether a checkpoint was saved now.
        """
        step = int(self._state.step.numpy())
        best = self._best()
        better = []
        for metric, higher in self._higher_is_better.items():
            score = scores.get(metric, math.nan)
            if math.isfinite(score) and (metric not in best or (score > best[metric]["score"]) == higher):
                best[metric] = {"step": step, "score": score}
                better.append(metric)
        if not better or not self._writes:
            return False
        saving = step not in steps_in(self._folder)
        if saving:
            self.save()
        with atomic_write(self._folder / _BEST_FILE) as unfinished:
            unfinished.write_text(json.dumps(best, indent=2) + "\n")
        self._remove_old()
        return saving

    def _recover(self):
        """Restores the name of a checkpoint that was being replaced when the process was killed."""
        for replaced in self._folder.glob(f"{_REPLACED}*"):
            folder = self._folder / replaced.name.removeprefix(_REPLACED)
            if not folder.exists():
                replaced.rename(folder)

    def _remove_leftovers(self):
        """Removes folders of processes that were killed while they wrote, replaced or removed a checkpoint."""
        for prefix in (".unfinished-", _REPLACED, _REMOVED):
            for leftover in self._folder.glob(f"{prefix}*"):
                if leftover.is_dir():
                    remove_folder(leftover)
                else:
                    leftover.unlink()

    def _best(self):
        """The best scores so far, of the checkpoints that `_counting` lists."""
        file = self._folder / _BEST_FILE
        try:
            best = json.loads(file.read_text()) if file.exists() else {}
            best = {
                metric: {"step": int(entry["step"]), "score": float(entry["score"])} for metric, entry in best.items()
            }
        except (ValueError, TypeError, KeyError, AttributeError):
            _log.warning("%s is damaged: the search for the best scores starts again", file)
            return {}
        counting = self._counting()
        return {metric: entry for metric, entry in best.items() if entry["step"] in counting}

    def _counting(self):
        """Steps of the checkpoints up to the state's step. Later ones are damaged or were rolled back."""
        return [step for step in steps_in(self._folder) if step <= int(self._state.step.numpy())]

    def _remove_old(self):
        kept = {*self._counting()[-self._keep :], *(entry["step"] for entry in self._best().values())}
        for step in steps_in(self._folder):
            if step not in kept:
                _remove(self._folder / _name(step))


def steps_in(folder):
    """Steps of the checkpoints in a folder, ascending."""
    folder = pathlib.Path(folder)
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit()) if folder.is_dir() else []


def _name(step):
    return f"{step:07d}"


def _give_name(unfinished, folder):
    """Renames a complete folder. An existing folder of that name is removed only after that."""
    for file in unfinished.iterdir():
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
    replaced = folder.with_name(_REPLACED + folder.name)
    if folder.exists():
        folder.rename(replaced)
    unfinished.rename(folder)
    with contextlib.suppress(OSError):
        remove_folder(replaced)


def _remove(folder):
    """Removes a checkpoint. It loses its name first, so that a kill leaves no checkpoint that is half removed."""
    removed = folder.with_name(_REMOVED + folder.name)
    folder.rename(removed)
    remove_folder(removed)


def _damage(folder):
    """Describes the damage of a checkpoint's files; None if they are intact."""
    try:
        sums = json.loads((folder / _SUMS_FILE).read_text())
        for file in sorted(folder.iterdir()):
            if file.name != _SUMS_FILE and file.name not in sums:
                return f"{_SUMS_FILE} does not list {file.name}"
        for name, expected in sums.items():
            if sha256(folder / name) != expected:
                return f"{name} has changed since it was written"
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return first_line(error)
    return None
