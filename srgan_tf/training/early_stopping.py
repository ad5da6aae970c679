"""Early stopping: a phase ends before its last step if its validation score no longer improves."""

import logging

import tensorflow as tf

from srgan_tf.errors import UserError
from srgan_tf.files import read_rows
from srgan_tf.runs import METRICS_FILE
from srgan_tf.training import names

_log = logging.getLogger(__name__)

# The score of a phase is the first of these that its validations have: the metric, and whether higher is better.
_SCORES = {
    names.PRETRAIN: (("psnr_y", True),),
    names.GAN: ((names.STLPIPS, False), (names.PERCEPTUAL, False), ("psnr_y", True)),
    names.DIFFUSION: ((names.STLPIPS, False), ("psnr_y", True)),
}


def early_stop(workdir, phase, patience):
    """The step at which a phase stops early, from the scores in metrics.jsonl.

    It needs no state of its own: a resumed run decides the same.

    Args:
        workdir: the run folder.
        phase: one of `names.PHASES`.
        patience: number of validations in a row without a new best score after which the phase stops; 0 never stops.

    Returns:
        The step of the last of these validations; None if the phase continues.
    """
    if not patience:
        return None
    rows = [row for row in read_rows(workdir / METRICS_FILE, phase=str, step=int) if row["phase"] == phase]
    metric, higher = next(
        (score for score in _SCORES[phase] if any(names.score_tag(score[0]) in row for row in rows)), _SCORES[phase][-1]
    )
    best = best_step = None
    waited = 0
    for row in rows:
        if names.score_tag(metric) not in row:
            continue
        score = row[names.score_tag(metric)]
        if isinstance(score, float) and (best is None or (score > best if higher else score < best)):
            best, best_step, waited = score, row["step"], 0
        else:
            waited += 1
        if waited >= patience:
            _log.info(
                "%s: stops early at step %d: no better %s in %d validations; the best is %.4g at step %s",
                *(phase, row["step"], metric, patience, best if best is not None else float("nan"), best_step),
            )
            return row["step"]
    return None


def check_early_stopping(config, strategy):
    """Checks that early stopping is possible.

    Raises:
        UserError: it is on for a run on several machines: only the first one has the scores.
    """
    several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    for name in _SCORES:
        patience = getattr(config, name).patience
        if patience and several:
            raise UserError(f"{name}.patience={patience} needs a run on one machine (TF_CONFIG is set)")
