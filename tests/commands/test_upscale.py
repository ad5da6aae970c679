import keras
import numpy as np
import pytest
from PIL import Image
from support.samples import assert_same_picture

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.positions import axis_positions
from srgan_tf.inference.loading import load_upscaler
from srgan_tf.networks.generators import continuous


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "size"),
    [
        (("--scale", 2.7), (46, 62)),
        (("--size", "100x200"), (74, 100)),  # the aspect ratio is kept
        (("--scale", 2.5, "--ensemble"), (42, 58)),
        (("--scale", 0.5), (8, 12)),
    ],
    ids=str,
)
def test_a_continuous_network_enlarges_to_the_size_itself(run_script, tmp_path, flags, size):
    keras.utils.set_random_seed(0)
    generator = continuous(num_blocks=1, num_filters=8)
    tail = generator.get_layer("coefficients_conv")
    tail.kernel.assign(60 * tail.kernel)
    generator.save(tmp_path / "any.keras")
    lr = draw_picture(0, 17, 23)
    Image.fromarray(lr).save(tmp_path / "a.png")
    arguments = ("--model", tmp_path / "any.keras", "--output", tmp_path / "out", "--precision", "float32", "--tile", 7)
    assert run_script("upscale", tmp_path / "a.png", *arguments, *flags)[0] == 0
    sr = np.asarray(Image.open(tmp_path / "out" / "a.png"))
    assert sr.shape == (*size, 3)
    if "--ensemble" not in flags and size[0] > 17:
        upscaler = load_upscaler(str(tmp_path / "any.keras"))
        assert_same_picture(sr, upscaler.sample(lr, axis_positions(17, size[0]), axis_positions(23, size[1])))


@pytest.mark.parametrize(("name", "kind"), [("big.png", "PNG"), ("new/big.JPG", "JPEG"), ("big.tiff", "TIFF")])
def test_the_output_is_a_file(run_script, tmp_path, name, kind):
    Image.fromarray(draw_picture(0, 6, 8)).save(tmp_path / "a.png")
    output = tmp_path / name
    code, text, _ = run_script("upscale", tmp_path / "a.png", "--model", "bicubic", "--scale", 2, "--output", output)
    assert code == 0
    assert text.endswith(f"done: {output}, upscaled: 1\n")
    with Image.open(output) as image:
        assert (image.format, image.size) == (kind, (16, 12))
    assert [path.name for path in output.parent.iterdir() if path.name != "a.png"] == [output.name]


def test_an_input_that_is_missing_is_named(run_script, tmp_path):
    code, _, error = run_script("upscale", tmp_path / "no.png", "--output", tmp_path / "big.png")
    assert code == 2
    assert f"no image or folder '{tmp_path}/no.png'" in error


def test_a_clip_and_a_picture_do_not_become_one_file(run_script, tmp_path):
    Image.fromarray(draw_picture(0, 6, 8)).save(tmp_path / "a.png")
    (tmp_path / "clip.mp4").touch()
    code, _, error = run_script(
        "upscale", tmp_path / "clip.mp4", tmp_path / "a.png", "--model", "bicubic", "--output", tmp_path / "x.mp4"
    )
    assert code == 2
    assert "x.mp4' is the name of a file: give a folder for several results" in error
    assert not (tmp_path / "x.mp4").exists()
