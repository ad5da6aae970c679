import os
import pathlib
import re

import numpy as np
import pytest
from PIL import Image, ImageFilter
from support.odd_pictures import write_odd_pictures

from srgan_tf.errors import UserError, WorkError
from srgan_tf.images.pictures import read_picture
from srgan_tf.images.resize import imresize
from srgan_tf.inference.upscalers import BicubicUpscaler, network_upscaler
from srgan_tf.photos import jobs as job_module
from srgan_tf.photos.formats import Photo, read_photo
from srgan_tf.photos.upscale import Enlargement, upscale_photo


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "in"
    (root / "sub").mkdir(parents=True)
    for name in ("a.jpg", "b.png", "sub/a.png"):
        Image.new("RGB", (9, 7), (200, 100, 50)).save(root / name)
    return root


def targets(jobs, output):
    return [str(job.target.relative_to(output)) for job in jobs]


def test_folders_keep_their_tree(folder, tmp_path):
    assert targets(job_module.plan([folder], tmp_path / "out"), tmp_path / "out") == ["a.png", "b.png", "sub/a.png"]


def test_files_by_their_name(folder, tmp_path):
    jobs = job_module.plan([folder / "sub" / "a.png", folder / "b.png"], tmp_path / "out")
    assert targets(jobs, tmp_path / "out") == ["a.png", "b.png"]


def test_the_output_is_a_file(folder, tmp_path):
    picture, output = folder / "b.png", tmp_path / "big.JPEG"
    assert job_module.plan([picture], output, "jpeg") == [job_module.Job(picture, output)]
    with pytest.raises(UserError, match=r"big\.JPEG' is not a file of --format png"):
        job_module.plan([picture], output)
    with pytest.raises(UserError, match=r"clip\.mp4' is not a file of --format png"):
        job_module.plan([picture], tmp_path / "clip.mp4")
    for inputs in ([folder], [picture, folder / "a.jpg"]):
        with pytest.raises(UserError, match=r"big\.JPEG' is the name of a file: give a folder for several results"):
            job_module.plan(inputs, output, "jpeg")
    with pytest.raises(UserError, match="would replace the input"):
        job_module.plan([picture], picture)
    output.mkdir()  # a folder is a folder
    assert targets(job_module.plan([picture], output), output) == ["b.png"]


def test_names_that_differ_in_their_suffix_keep_it(folder, tmp_path):
    Image.new("RGB", (9, 7)).save(folder / "a.bmp")
    jobs = job_module.plan([folder], tmp_path / "out")
    assert targets(jobs, tmp_path / "out") == ["a.bmp.png", "a.jpg.png", "b.png", "sub/a.png"]


def test_inputs_are_never_replaced(folder):
    with pytest.raises(UserError, match=r"would replace the input .*b\.png"):
        job_module.plan([folder / "b.png"], folder)
    with pytest.raises(UserError, match="would replace the input"):
        job_module.plan([folder], pathlib.Path(f"{folder}/sub/.."))


def test_results_of_an_earlier_run_are_not_inputs(folder):
    output = folder / "up"
    output.mkdir()
    Image.new("RGB", (9, 7)).save(output / "a.png")
    assert targets(job_module.plan([folder], output), output) == ["a.png", "b.png", "sub/a.png"]


def test_two_inputs_of_one_name(folder, tmp_path):
    with pytest.raises(UserError, match=r"two inputs would become .*a\.png"):
        job_module.plan([folder / "sub" / "a.png", folder / "sub" / "." / "a.png"], tmp_path / "out")


def test_missing_inputs(tmp_path):
    with pytest.raises(UserError, match="no image or folder 'missing'"):
        job_module.plan(["missing"], tmp_path)


def test_one_bad_picture_does_not_stop_the_others(folder, tmp_path):
    (folder / "b.png").write_text("no picture")
    lines = []
    with pytest.raises(WorkError, match="1 of 3 pictures failed"):
        job_module.run(BicubicUpscaler(2), job_module.plan([folder], tmp_path / "out"), lines.append)
    assert [line for line in lines if "failed" in line] == [lines[1]]
    assert "b.png" in lines[1]
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert written == ["a.png", "sub/a.png"]
    picture = read_picture(tmp_path / "out" / "sub" / "a.png")
    assert picture.shape == (14, 18, 3)
    np.testing.assert_array_equal(picture[7, 9], [200, 100, 50])


def test_sixty_odd_files(run_script, tmp_path):
    expected = write_odd_pictures(tmp_path / "in" / "deep")
    assert len(expected) >= 60
    inputs = {path: path.read_bytes() for path in (tmp_path / "in").rglob("*") if path.is_file()}
    code, output, error = run_script("upscale", tmp_path / "in", "--model", "bicubic", "--output", tmp_path / "out")
    good = {name: shape for name, shape in expected.items() if isinstance(shape, tuple)}
    assert code == 1
    assert f"{len(expected) - len(good)} of {len(expected)} pictures failed" in error
    for name, reason in expected.items():
        line = next(line for line in output.splitlines() if re.search(rf"/{re.escape(name.rsplit('.', 1)[0])}\.", line))
        if name not in good:
            assert re.search(rf"failed: .*{re.escape(name)}.*{reason}", output), name
            continue
        width, height, channels, bits = reason
        assert f"{width}x{height} -> {4 * width}x{4 * height}" in line, name
        assert ("only the first of its 2 frames" in line) == name.startswith("animated")
    results = {path.name: read_photo(path) for path in (tmp_path / "out" / "deep").iterdir()}
    assert len(results) == len(good)
    for name, (width, height, channels, bits) in good.items():
        stem = name.rsplit(".", 1)[0]
        photo = results[f"{name}.png"] if f"{name}.png" in results else results[f"{stem}.png"]
        found = photo.colour.shape[2] + (photo.alpha is not None)
        assert (*photo.colour.shape[:2], found, 8 * photo.colour.itemsize) == (4 * height, 4 * width, channels, bits), (
            name
        )
    assert {path: path.read_bytes() for path in inputs} == inputs


def test_running_out_of_memory_fails_one_picture(folder, tmp_path, monkeypatch):
    def scarce(path, **options):
        if path.name == "b.png":
            raise MemoryError
        return read_photo(path, **options)

    monkeypatch.setattr(job_module, "read_photo", scarce)
    lines = []
    with pytest.raises(WorkError, match="1 of 3 pictures failed"):
        job_module.run(BicubicUpscaler(2), job_module.plan([folder], tmp_path / "out"), lines.append)
    assert re.search(r"failed: not enough memory for '.*b\.png'", lines[1])


@pytest.fixture
def photo(rng):
    return Photo(rng.integers(0, 256, (18, 24, 3), dtype=np.uint8), None, {}, ())


@pytest.mark.parametrize(
    ("enlargement", "size"),
    [
        (Enlargement(), (96, 72)),
        (Enlargement(factor=4), (96, 72)),
        (Enlargement(factor=3), (72, 54)),
        (Enlargement(factor=2.5), (60, 45)),
        (Enlargement(factor=0.5), (12, 9)),
        (Enlargement(factor=7), (168, 126)),  # beyond the network's own: twice, and down from 16
        (Enlargement(box=(100, 50)), (67, 50)),
        (Enlargement(box=(30, 1000)), (30, 22)),
    ],
)
def test_any_size(tmp_path, photo, enlargement, size):
    path = tmp_path / "a.png"
    assert upscale_photo(BicubicUpscaler(4), photo, path, enlargement=enlargement) == size
    with Image.open(path) as picture:
        assert picture.size == size


def test_a_smaller_size_is_the_networks_result_resized(tmp_path, photo):
    upscale_photo(BicubicUpscaler(4), photo, tmp_path / "a.png", enlargement=Enlargement(factor=3), tile=5)
    full = BicubicUpscaler(4).upscale(photo.colour / np.float32(255))
    expected = np.rint(imresize(full, 54, 72).clip(0, 1) * 255)
    difference = np.abs(read_picture(tmp_path / "a.png") - expected)
    assert difference.max() <= 1  # a float's last bit, at a tie
    assert np.mean(difference > 0) < 1e-3


@pytest.mark.parametrize("tile", [None, 0, 5])
def test_a_written_file_equals_the_networks_output(tmp_path, photo, small_generator, tile):
    upscaler = network_upscaler(small_generator, "small")
    upscale_photo(upscaler, photo, tmp_path / "a.png", tile=tile)
    difference = np.abs(read_picture(tmp_path / "a.png").astype(int) - upscaler.upscale(photo.colour))
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 1e-3


def test_no_dark_fringes(tmp_path):
    # A light disc; what is transparent is black, as editors leave it.
    columns, rows = np.meshgrid(np.arange(32), np.arange(32))
    inside = ((columns - 15.5) ** 2 + (rows - 15.5) ** 2 < 100)[..., np.newaxis]
    alpha = np.asarray(Image.fromarray(np.uint8(255 * inside[..., 0])).filter(ImageFilter.BoxBlur(1)))[..., np.newaxis]
    colour = np.where(alpha > 0, np.uint8([230, 220, 210]), np.uint8(0))
    upscale_photo(BicubicUpscaler(4), Photo(colour, alpha, {}, ()), tmp_path / "a.png")
    result = read_photo(tmp_path / "a.png")
    edge = (result.alpha[..., 0] > 0) & (result.alpha[..., 0] < 255)
    assert edge.sum() > 300
    np.testing.assert_array_equal(result.colour[edge], np.broadcast_to([230, 220, 210], (edge.sum(), 3)))


def test_sixteen_bits_keep_a_gradient_that_eight_would_band(tmp_path):
    ramp = np.tile(np.linspace(20_000, 21_000, 64).astype(np.uint16)[:, np.newaxis], (8, 1, 3))
    upscale_photo(BicubicUpscaler(4), Photo(ramp, None, {}, ()), tmp_path / "a.png")
    result = read_photo(tmp_path / "a.png").colour
    assert result.dtype == np.uint16
    assert len(np.unique(result[16, :, 0])) > 200  # eight bits have four levels here
    assert np.diff(result[16, 8:-8, 0].astype(int)).min() >= 0


def test_existing_results(run_script, folder, tmp_path):
    def upscale(*flags):
        return run_script("upscale", folder, "--model", "bicubic", "--output", tmp_path / "out", *flags)

    assert upscale()[0] == 0
    (tmp_path / "out" / "a.png").write_bytes(b"mine")
    (tmp_path / "out" / "b.png").unlink()
    code, _, error = upscale("--existing", "refuse")
    assert code == 2
    assert "2 results exist, first" in error
    code, output, _ = upscale("--existing", "skip")
    assert code == 0
    assert "upscaled: 1, kept: 2" in output
    assert (tmp_path / "out" / "a.png").read_bytes() == b"mine"
    assert upscale()[0] == 0
    assert read_picture(tmp_path / "out" / "a.png").shape == (28, 36, 3)


@pytest.mark.slow
def test_quality_flags(run_script, folder, tmp_path, small_generator):
    for name in ("a", "b"):
        small_generator.save(tmp_path / f"{name}.keras")
        small_generator.get_layer("tail_conv").bias.assign([0.5, 0.5, 0.5])
    pictures = {}
    for name, flags in {
        "plain": [],
        "ensemble": ["--ensemble"],
        "projected": ["--back-projection", "5"],
        "blended": ["--interpolate", tmp_path / "b.keras", "--alpha", "0.5"],
        "jpeg": ["--format", "jpeg", "--size", "20x20"],
    }.items():
        arguments = [folder / "b.png", "--model", tmp_path / "a.keras", "--output", tmp_path / name, *flags]
        code, _, error = run_script("upscale", *arguments)
        assert code == 0, error
        pictures[name] = read_picture(next((tmp_path / name).iterdir()))
    assert pictures["jpeg"].shape == (16, 20, 3)
    lr = read_picture(folder / "b.png").astype(int)
    drift = {name: np.abs(imresize(pictures[name], 7, 9) - lr).mean() for name in ("plain", "projected")}
    assert drift["projected"] < drift["plain"] / 3
    assert (pictures["ensemble"] != pictures["plain"]).any()
    assert (pictures["blended"] != pictures["plain"]).any()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--size", "10by10"], "expected WIDTHxHEIGHT in pixels, such as 1920x1080 (received '10by10')"),
        (["--size", "0x10"], "received '0x10'"),
        (["--scale", "0"], "received '0'"),
        (["--tile=-1"], "received '-1'"),
        (["--alpha", "0.5"], "--interpolate and --alpha must be given together"),
        (["--scale", "2", "--size", "9x9"], "not allowed with"),
    ],
)
def test_wrong_flags(run_script, folder, tmp_path, flags, message):
    code, _, error = run_script("upscale", folder, "--model", "bicubic", "--output", tmp_path / "out", *flags)
    assert code == 2
    assert message in error
    assert not (tmp_path / "out").exists()


def test_an_output_above_the_inputs(folder, tmp_path):
    assert targets(job_module.plan([folder / "sub"], tmp_path), tmp_path) == ["a.png"]
    assert len(job_module.plan([folder / "sub"], folder)) == 1


def test_inputs_without_a_job_are_an_error(folder):
    with pytest.raises(UserError, match="an input has an empty name"):
        job_module.plan([""], folder)
    (folder / "only").mkdir()
    (folder / "only" / "up").mkdir()
    Image.new("RGB", (9, 7)).save(folder / "only" / "up" / "a.png")
    with pytest.raises(WorkError, match="all inputs are results of an earlier run"):
        job_module.plan([folder / "only"], folder / "only" / "up")
    with pytest.raises(UserError, match="no image or folder 'qqq"):
        job_module.plan(["q" * 300 + ".png"], folder)


def test_a_file_replaced_by_a_fifo_does_not_hang(folder, tmp_path):
    jobs = job_module.plan([folder], tmp_path / "out")
    (folder / "b.png").unlink()
    os.mkfifo(folder / "b.png")
    lines = []
    with pytest.raises(WorkError, match="1 of 3 pictures failed"):
        job_module.run(BicubicUpscaler(2), jobs, lines.append)
    assert "b.png': not a regular file" in lines[1]


def test_results_are_never_written_into_a_model(run_script, folder, tmp_path, small_generator):
    (tmp_path / "run").mkdir()
    small_generator.save(tmp_path / "run" / "generator.keras")
    code, _, error = run_script(
        "upscale", folder, "--model", tmp_path / "run", "--output", tmp_path / "run" / "samples"
    )
    assert code == 2
    assert "overlaps the input" in error
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["generator.keras"]


class NotFinite(BicubicUpscaler):
    """Gives NaN in one pixel."""

    def upscale(self, lr):
        sr = super().upscale(lr)
        sr[3, 2] = np.nan
        return sr


def test_output_that_is_not_finite_is_not_written(tmp_path, photo):
    with pytest.raises(WorkError, match="output of the model 'bicubic' is not finite"):
        upscale_photo(NotFinite(4), photo, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_names_with_control_characters_are_escaped(tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (4, 3)).save(tmp_path / "in" / "a\x1b[31m\nb.png")
    lines = []
    job_module.run(BicubicUpscaler(2), job_module.plan([tmp_path / "in"], tmp_path / "out"), lines.append)
    assert r"a\x1b[31m\nb.png" in lines[0]
    assert lines[0].isprintable()
