"""WDSR through the commands: both phases, resume, tiles, export."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from support.samples import assert_same_picture

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.pictures import read_picture, write_picture
from srgan_tf.networks.saved import load_generator
from srgan_tf.runs import GENERATOR_FILE, checkpoint_folder

SETTINGS = [
    *("generator.num_blocks=2", "generator.num_filters=8", "discriminator.num_filters=4", "gan.perceptual_weight=0"),
    *("data.synthetic_count=4", "data.synthetic_size=64", "data.hr_patch_size=32", "data.batch_size=2"),
    *("pretrain.steps=4", "gan.steps=4", "reporting.log_every=1", "reporting.validate_every=4"),
    *("reporting.checkpoint_every=2", "reporting.samples=1", "data.valid_pictures=1"),
]
FLAGS = ["--preset", "wdsr_x4", "--data", "synthetic"] + [flag for name in SETTINGS for flag in ("--set", name)]


def shapes_of_kernels(workdir):
    return [list(weight.shape) for weight in load_generator(str(workdir)).weights if weight.name == "kernel"]


@pytest.mark.slow
def test_train_resume_evaluate_upscale_export(run_script, tmp_path):
    workdir, resumed = tmp_path / "run", tmp_path / "resumed"
    code, _, error = run_script("train", *FLAGS, "--workdir", workdir)
    assert code == 0, error

    shutil.copytree(workdir, resumed)
    shutil.rmtree(checkpoint_folder(resumed, "gan", 4))
    (resumed / GENERATOR_FILE).unlink()
    code, _, error = run_script("train", *FLAGS, "--workdir", resumed)
    assert code == 0, error
    weights = [load_generator(str(folder)).get_weights() for folder in (workdir, resumed)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)

    write_picture(tmp_path / "in" / "photo.png", draw_picture(5, 61, 47))
    code, _, error = run_script("evaluate", "--model", workdir, "--data", tmp_path / "in", "--output", tmp_path / "out")
    assert code == 0, error
    upscaled = {}
    for name, flags in {"whole": ["--tile", "0"], "tiles": ["--tile", "24"]}.items():
        arguments = [tmp_path / "in", "--model", workdir, "--precision", "float32", *flags]
        code, _, error = run_script("upscale", *arguments, "--output", tmp_path / name)
        assert code == 0, error
        upscaled[name] = read_picture(tmp_path / name / "photo.png")
    assert upscaled["whole"].shape == (244, 188, 3)
    assert_same_picture(upscaled["tiles"], upscaled["whole"])

    code, _, error = run_script("export", "--model", workdir, "--output", tmp_path / "served")
    assert code == 0, error
    assert len([weight for weight in load_generator(str(workdir)).weights if weight.name == "gain"]) == 9
    (index,) = (tmp_path / "served").rglob("variables.index")
    variables = dict(tf.train.list_variables(str(index.with_suffix(""))))
    kernels = [shape for shape in variables.values() if len(shape) == 4]
    assert sorted(kernels, key=str) == sorted(shapes_of_kernels(workdir), key=str)
    # The gains are folded: a bias for each convolution, and the object graph.
    assert len([shape for shape in variables.values() if len(shape) == 1]) == 9
    code, _, error = run_script("upscale", tmp_path / "in", "--model", tmp_path / "served", "--output", tmp_path / "of")
    assert code == 0, error
    assert_same_picture(read_picture(tmp_path / "of" / "photo.png"), upscaled["whole"])
