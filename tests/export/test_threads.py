"""Requests from eight threads to the exported signature equal local upscaling, JPEGs included."""

import concurrent.futures
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from support.serving_v1 import ServedModel

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.export.saved_model import export_saved_model
from srgan_tf.inference.upscalers import network_upscaler
from srgan_tf.networks.generators import srresnet
from srgan_tf.networks.rewrites.inference import optimize_for_inference

THREADS = 8


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The exported signature and the local upscaler of one generator."""
    tf.keras.utils.set_random_seed(0)
    generator = srresnet(num_blocks=1, num_filters=32)  # much smaller convolutions run in other kernels
    version = export_saved_model(generator, tmp_path_factory.mktemp("threads"), max_pixels=4096, warm_up_sizes=[])
    return ServedModel(version), network_upscaler(optimize_for_inference(generator), "small")


def encoded_picture(number):
    """A picture as bytes: JPEG of several kinds, PNG or WebP."""
    rng = np.random.default_rng(number)
    height, width = (int(side) for side in rng.integers(8, 64, 2))
    image = Image.fromarray(draw_picture(number, height, width))
    kinds = (
        *({"format": "JPEG", "quality": 90, "subsampling": sampling} for sampling in ("4:4:4", "4:2:2", "4:2:0")),
        {"format": "JPEG", "quality": 40, "progressive": True},
        {"format": "PNG"},
        {"format": "WEBP", "lossless": True},
    )
    file = io.BytesIO()
    image.save(file, **kinds[number % len(kinds)])
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("requests", [40, pytest.param(1000, marks=pytest.mark.soak)])
def test_eight_threads_equal_local_upscaling(served, requests):
    signature, upscaler = served
    pictures = [encoded_picture(number) for number in range(min(requests, 120))]
    expected = [upscaler.upscale(np.asarray(Image.open(io.BytesIO(each)).convert("RGB"))) for each in pictures]

    def ask(number):
        number %= len(pictures)
        answer = signature("serving_default", image_bytes=[pictures[number]])["sr_bytes"][0]
        np.testing.assert_array_equal(tf.io.decode_png(answer), expected[number])

    with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(ask, range(requests)))


def test_number_of_images_is_limited(served):
    small = tf.io.encode_png(np.zeros((2, 2, 3), np.uint8)).numpy()
    assert len(served[0]("serving_default", image_bytes=[small] * 64)["sr_bytes"]) == 64
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"at most 64 images\. Received: 65"):
        served[0]("serving_default", image_bytes=[small] * 65)
