"""Exports the generator as a SavedModel, in the folder layout that TensorFlow Serving watches."""

import contextlib
import errno
import json
import math
import pathlib

import numpy as np
import tensorflow as tf

from srgan_tf.errors import UserError, WorkError, first_line
from srgan_tf.export import card, warm_up
from srgan_tf.export.module import describe_network, serving_module, signatures_of
from srgan_tf.files import make_folder, unfinished_folder
from srgan_tf.images.pixels import to_float
from srgan_tf.inference.exported import DESCRIPTION_FILE, versions
from srgan_tf.networks.continuous import is_continuous
from srgan_tf.networks.precision import as_float32
from srgan_tf.networks.rewrites.inference import optimize_for_inference

# SRResNet with 64 filters needed 2.9 GiB of memory for this many.
MAX_PIXELS = 512 * 512
_MOST_PIXELS = 2**31 - 1
_LARGEST_VERSION = 2**63 - 1  # int64 in TensorFlow Serving


def export_saved_model(
    generator, output, *, version=None, max_pixels=MAX_PIXELS, warm_up_sizes=warm_up.SIZES, facts=None
):
    """Exports a generator as a version under a folder, with a warm-up file and a model card.

    The version is written to a temporary folder, loaded again, compared with the generator and only then renamed, so a
    server never sees an incomplete one. Existing versions are not changed.

    Args:
        generator: functional `keras.Model` from LR to SR in [0, 1], of any precision.
        output: folder of the versions; created if missing.
        version: number of the new version; by default one more than the highest.
        max_pixels: largest number of LR pixels of one request's `lr`, or of one encoded image.
        warm_up_sizes: (height, width) of the requests in the warm-up file; those above `max_pixels` are left out.
        facts: training facts for the model card, from `card.training_facts`.

    Returns:
        Path of the new version's folder, `output/N`.

    Raises:
        UserError: `output` cannot be written or already has the version, or a number is out of range.
        WorkError: the reloaded model does not give the generator's results, or the disk is full.
    """
    if not 1 <= max_pixels <= _MOST_PIXELS:
        raise UserError(f"max_pixels must be 1 to {_MOST_PIXELS}. Received: {max_pixels}")
    if version is not None and not 1 <= version <= _LARGEST_VERSION:
        raise UserError(f"version must be 1 to {_LARGEST_VERSION}. Received: {version}")
    make_folder(output)
    output = pathlib.Path(output)
    if version in versions(output):
        raise _version_exists(output, version)
    if version is None and _LARGEST_VERSION in versions(output):
        raise UserError(f"{str(output)!r} has the largest version, {_LARGEST_VERSION}: give another output")
    description = describe_network(generator, max_pixels=max_pixels)
    network = optimize_for_inference(generator)
    module = serving_module(network, description)
    with _writing_to(output), unfinished_folder(output) as folder:
        unfinished = folder / "version"  # a server may not read the folder itself, whose mode is 0700
        signatures = {signature: getattr(module, name) for signature, name in signatures_of(network).items()}
        tf.saved_model.save(module, unfinished, signatures=signatures)
        extra = unfinished / "assets.extra"
        extra.mkdir()
        (extra / DESCRIPTION_FILE).write_text(json.dumps(description, indent=2) + "\n")
        sizes = [size for size in warm_up_sizes if size[0] * size[1] <= max_pixels]
        warm_up.write_requests(extra / warm_up.FILE, sizes)
        text = card.model_card(
            generator, signatures, description={"format": "SavedModel, float32"} | description, facts=facts or {}
        )
        (unfinished / card.FILE).write_text(text)
        _compare(as_float32(generator), network, unfinished, max_pixels)
        return _publish(unfinished, output, version)


@contextlib.contextmanager
def _writing_to(output):
    """Turns file errors, such as a full disk, into a `WorkError`."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise WorkError(f"cannot write the export to {str(output)!r}: {reason}") from error


def _publish(unfinished, output, version):
    while True:
        target = output / str(version or max(versions(output), default=0) + 1)
        try:
            return unfinished.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            if version:  # else another export has just taken the number: try the next one
                raise _version_exists(output, version) from error


def _version_exists(output, version):
    return UserError(f"{str(output)!r} already has version {version}, which a server may be reading: choose another")


def _compare(generator, network, folder, max_pixels):
    """Compares the signatures of the exported model with the generator."""
    side = min(19, math.isqrt(max_pixels))
    picture = np.random.default_rng(0).integers(0, 256, (side, min(13, side), 3), dtype=np.uint8)[np.newaxis]
    expected = tf.clip_by_value(generator(to_float(picture), training=False), 0.0, 1.0)

    def deviation(actual):
        return float(tf.reduce_max(tf.abs(actual - expected)))

    # Rounding differences between the two: about 1e-6, but a thousand times more for an untrained network.
    rounding = deviation(tf.clip_by_value(network(to_float(picture), training=False), 0.0, 1.0))
    signatures = tf.saved_model.load(folder).signatures
    answer = signatures["serving_default"](image_bytes=tf.io.encode_png(picture))["sr_bytes"]
    half_a_level = 0.5 / 255
    deviations = {
        "tensor": deviation(signatures["tensor"](lr=to_float(picture))["sr"]),
        "tensor_uint8": deviation(to_float(signatures["tensor_uint8"](lr=picture)["sr"])) - half_a_level,
        "serving_default": deviation(to_float(tf.io.decode_png(answer[0])[tf.newaxis])) - half_a_level,
    }
    if is_continuous(network):
        size = expected.shape[1:3]
        deviations["tensor_size"] = deviation(signatures["tensor_size"](lr=to_float(picture), size=size)["sr"])
    for signature, deviated in deviations.items():
        if not deviated <= min(1e-4 + 4 * rounding, 0.05):  # also catches NaN
            raise WorkError(f"the exported signature {signature!r} deviates from the generator by {deviated}")
