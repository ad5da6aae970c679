"""Shared by the ONNX and LiteRT exports: the function to convert and the comparison with the generator."""

import contextlib

import numpy as np
import tensorflow as tf

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError, WorkError, first_line, is_disk_full

_SIZES = ((24, 24), (17, 33), (40, 28))  # of the compared pictures, unless the export has a fixed size


def upscaling_function(generator, *, batch, size):
    """A `tf.function` from `lr` float32 [batch, height, width, 3] in [0, 1] to {"sr": ...}, clipped to [0, 1].

    Args:
        generator: float32 network.
        batch: number of pictures, None for any.
        size: (height, width), or None for any.
    """

    @tf.function(input_signature=[tf.TensorSpec([batch, *(size or (None, None)), 3], tf.float32, name="lr")])
    def upscale(lr):
        return {"sr": tf.clip_by_value(generator(lr, training=False), 0.0, 1.0)}

    return upscale


@contextlib.contextmanager
def conversion(form):
    """Turns any exception of a converter or runtime in the `with` block into a `WorkError`.

    Args:
        form: name of the format in the message.
    """
    try:
        yield
    except (UserError, WorkError):
        raise
    except Exception as error:
        if is_disk_full(error):
            raise WorkError(f"cannot write the {form} file: the disk is full") from error
        raise WorkError(f"this network cannot be exported as {form}: {first_line(error)}") from error


def compare(generator, run, size, *, tolerance=1e-4, least_psnr=None):
    """Compares the results of an export, in its runtime, with those of its generator.

    Args:
        generator: in float32.
        run: the export, a function of a float32 array [1, height, width, 3].
        size: fixed (height, width) of its input, or None for any.
        tolerance: maximum absolute deviation.
        least_psnr: minimum PSNR against the generator's results, dB; replaces `tolerance`.

    Returns:
        The largest deviation, or with `least_psnr` the lowest PSNR, over three generated pictures.

    Raises:
        WorkError: the deviation is larger, or the PSNR lower.
    """
    deviations, scores = [], []
    for index, (height, width) in enumerate([size] * 3 if size else _SIZES):
        lr = draw_picture(index, height, width)[np.newaxis] / np.float32(255)
        error = np.abs(run(lr) - np.clip(generator(lr, training=False), 0, 1))
        deviations.append(float(error.max()))
        scores.append(float(-10 * np.log10(np.mean(error**2) + 1e-12)))
    if least_psnr is None:
        if not max(deviations) <= tolerance:  # also catches NaN
            raise WorkError(
                f"the export deviates from the generator by {max(deviations)}; "
                "in a network with little training this may be amplified rounding"
            )
        return max(deviations)
    if not min(scores) >= least_psnr:
        raise WorkError(f"the export's results are {min(scores):.1f} dB from the generator's, below {least_psnr} dB")
    return min(scores)
