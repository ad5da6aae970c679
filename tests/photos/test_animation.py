"""Animated files."""

import numpy as np
import pytest
from PIL import Image, features

from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.photos.animation import read_animation, read_frames, upscale_animation

COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))
DURATIONS = [100, 250, 40, 1000]


def write_animation(path, transparent=False, **options):
    frames = []
    for number, colour in enumerate(COLOURS):
        shown = np.ones((12, 16), np.uint8)
        shown[: 3 * number if transparent else 0] = 0
        if path.suffix == ".gif":  # index 0 is transparent
            frame = Image.new("P", (16, 12))
            frame.putdata(shown.ravel().tolist())
            frame.putpalette([0, 0, 0, *colour])
        else:
            pixels = np.dstack([np.full((12, 16, 3), colour, np.uint8), 255 * shown])
            frame = Image.fromarray(pixels if transparent else pixels[..., :3])
        frames.append(frame)
    options |= {".webp": {"lossless": True}, ".gif": {"transparency": 0, "disposal": 2, "optimize": False}}.get(
        path.suffix, {}
    )
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=DURATIONS, **options)


@pytest.mark.parametrize("target", ["png", "webp", "avif"])
@pytest.mark.parametrize("source", ["gif", "png", "webp"])
@pytest.mark.parametrize("transparent", [False, True])
def test_every_frame_with_its_time(run_script, tmp_path, source, target, transparent):
    if target == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    write_animation(tmp_path / f"a.{source}", transparent, loop=0)
    code, out, _ = run_script(
        "upscale", tmp_path / f"a.{source}", "--model", "bicubic", "--output", tmp_path / "out", "--animation", "all",
        "--format", target
    )  # fmt: skip
    assert code == 0
    assert "16x12 -> 64x48" in out
    assert "; 4 frames" in out
    with Image.open(tmp_path / "out" / f"a.{target}") as result:
        assert (result.size, result.n_frames) == ((64, 48), 4)
        assert target == "avif" or result.info["loop"] == 0
        for number, colour in enumerate(COLOURS):
            result.seek(number)
            frame = np.asarray(result.convert("RGBA")).astype(int)
            assert result.info["duration"] == DURATIONS[number]
            assert np.abs(frame[-1, -1, :3] - colour).max() <= (0 if target == "png" else 12)
            assert frame[0, 0, 3] == (0 if transparent and number else 255)


@pytest.mark.parametrize(("loop", "plays"), [({}, 1), ({"loop": 0}, 0), ({"loop": 3}, 4)])
def test_how_often_a_gif_is_played(tmp_path, loop, plays):
    write_animation(tmp_path / "a.gif", **loop)
    animation = read_animation(tmp_path / "a.gif")
    assert (animation.count, animation.plays, animation.opaque) == (4, plays, True)
    upscale_animation(BicubicUpscaler(2), tmp_path / "a.gif", tmp_path / "b.png", animation)
    with Image.open(tmp_path / "b.png") as result:
        assert result.info["loop"] == plays


def test_progress_of_all_frames(tmp_path):
    write_animation(tmp_path / "a.gif")
    shares = []
    animation = read_animation(tmp_path / "a.gif")
    upscale_animation(
        BicubicUpscaler(2), tmp_path / "a.gif", tmp_path / "b.png", animation, tile=8, progress=shares.append
    )
    assert shares == [number / 8 for number in range(1, 9)]


def test_still_images_are_none(tmp_path):
    Image.new("RGB", (4, 3)).save(tmp_path / "a.gif")
    assert read_animation(tmp_path / "a.gif") is None
    pages = [Image.new("RGB", (4, 3), colour) for colour in ("red", "blue")]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert read_animation(tmp_path / "a.tif") is None


def test_frames_without_a_time_last_as_in_browsers(tmp_path):
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=0)
    animation = read_animation(tmp_path / "a.gif")
    assert [milliseconds for _, milliseconds in read_frames(tmp_path / "a.gif", animation)] == [100, 100]


def test_formats_without_animation_are_refused(run_script, tmp_path):
    write_animation(tmp_path / "a.gif")
    code, _, err = run_script(
        "upscale", tmp_path / "a.gif", "--output", tmp_path / "out", "--animation", "all", "--format", "jpeg"
    )
    assert code == 2
    assert "--animation all needs --format png, webp or avif (received jpeg)" in err


def test_a_damaged_animation_fails_alone(run_script, tmp_path):
    write_animation(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) - 60])
    Image.new("RGB", (4, 3)).save(tmp_path / "b.png")
    arguments = [tmp_path / "a.png", tmp_path / "b.png", "--output", tmp_path / "out", "--animation", "all"]
    code, out, _ = run_script("upscale", *arguments, "--model", "bicubic")
    assert code == 1
    assert "[1/2] failed: " in out
    assert "a.png" in out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.png"]
