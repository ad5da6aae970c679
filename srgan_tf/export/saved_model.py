"""The generator as a SavedModel, in the layout of folders that TensorFlow Serving watches."""

import errno
import json
import pathlib

import numpy as np
import tensorflow as tf

from srgan_tf.errors import UserError, WorkError
from srgan_tf.export import card, warm_up
from srgan_tf.export.module import SIGNATURES, describe_network, serving_module
from srgan_tf.files import make_folder, unfinished_folder
from srgan_tf.images.pixels import to_float
from srgan_tf.inference.exported import DESCRIPTION_FILE, versions
from srgan_tf.networks.precision import as_float32
from srgan_tf.networks.rewrites.inference import optimize_for_inference

# SRResNet with 64 filters took 2.9 GiB of memory for as many.
MAX_PIXELS = 512 * 512


def export_saved_model(
    generator, output, *, version=None, max_pixels=MAX_PIXELS, warm_up_sizes=warm_up.SIZES, facts=None
):
    """Exports a generator as a version under a folder, with a warm-up file and a model card.

    The version is written aside, loaded again and compared before it gets its name, so a server never sees half of
    it; existing versions are left as they are.

    Args:
        generator: functional `keras.Model` from LR to SR in [0, 1], of any precision.
        output: folder of the versions, made if need be.
        version: number of the new version; by default one more than the highest.
        max_pixels: LR pixels that one request's `lr`, or one encoded picture, may have.
        warm_up_sizes: (height, width) of the requests in the warm-up file; those above `max_pixels` are left out.
        facts: what the model card says of the training, from `card.training_facts`.

    Returns:
        Path of the new version's folder, `output/N`.

    Raises:
        UserError: `output` cannot be written, or has the version already.
        WorkError: the reloaded model does not give the generator's results.
    """
    output = pathlib.Path(output)
    make_folder(output)
    if version in versions(output):
        raise _version_exists(output, version)
    description = describe_network(generator, max_pixels=max_pixels)
    network = optimize_for_inference(generator)
    module = serving_module(network, description)
    with unfinished_folder(output) as folder:
        unfinished = folder / "version"  # the folder itself is for its owner's eyes, not for a server's
        signatures = {signature: getattr(module, name) for signature, name in SIGNATURES.items()}
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
        _compare(as_float32(generator), network, unfinished)
        return _publish(unfinished, output, version)


def _publish(unfinished, output, version):
    while True:
        target = output / str(version or max(versions(output), default=0) + 1)
        try:
            return unfinished.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            if version:  # else another export took the number in between: the next one is free
                raise _version_exists(output, version) from error


def _version_exists(output, version):
    return UserError(f"{str(output)!r} has a version {version} already, which a server may be reading: take another")


def _compare(generator, network, folder):
    """Runs the signatures of the exported model and holds them against the generator."""
    picture = np.random.default_rng(0).integers(0, 256, (19, 13, 3), dtype=np.uint8)[np.newaxis]
    expected = tf.clip_by_value(generator(to_float(picture), training=False), 0.0, 1.0)

    def deviation(actual):
        return float(tf.reduce_max(tf.abs(actual - expected)))

    # How far this network magnifies rounding: some millionths, but a thousand times that where it is hardly trained.
    rounding = deviation(tf.clip_by_value(network(to_float(picture), training=False), 0.0, 1.0))
    signatures = tf.saved_model.load(folder).signatures
    answer = signatures["serving_default"](image_bytes=tf.io.encode_png(picture))["sr_bytes"]
    half_a_level = 0.5 / 255
    deviations = {
        "tensor": deviation(signatures["tensor"](lr=to_float(picture))["sr"]),
        "tensor_uint8": deviation(to_float(signatures["tensor_uint8"](lr=picture)["sr"])) - half_a_level,
        "serving_default": deviation(to_float(tf.io.decode_png(answer[0])[tf.newaxis])) - half_a_level,
    }
    for signature, deviated in deviations.items():
        if not deviated <= min(1e-4 + 4 * rounding, 0.05):  # also catches NaN
            raise WorkError(f"the exported signature {signature!r} deviates from the generator by {deviated}")
