import threading

import numpy as np
import pytest
from PIL import Image

from srgan_tf.errors import WorkError
from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.photos import encoding, jobs
from srgan_tf.photos.formats import read_photo
from srgan_tf.photos.upscale import Enlarged


def one_colour(value, stripes=2):
    return Enlarged(6, 4, 3, 8, (np.full((4 // stripes, 6, 3), value, np.uint8) for _ in range(stripes)))


def test_the_next_image_is_upscaled_while_one_is_written(tmp_path, monkeypatch):
    begun, allowed = threading.Event(), threading.Event()
    write = encoding.write_enlarged

    def wait_and_write(*arguments, **options):
        begun.set()
        assert allowed.wait(20)
        write(*arguments, **options)

    class Second(BicubicUpscaler):
        calls = 0

        def upscale(self, lr):
            self.calls += 1
            if self.calls == 2:  # the first image is not written yet, and must not have to be
                assert begun.wait(20)
                assert not (tmp_path / "out" / "0.png").exists()
                allowed.set()
            return super().upscale(lr)

    monkeypatch.setattr(encoding, "write_enlarged", wait_and_write)
    for number in range(3):
        Image.new("RGB", (5, 7), (number, 0, 0)).save(tmp_path / f"{number}.png")
    lines = []
    jobs.run(Second(2), jobs.plan(sorted(tmp_path.glob("*.png")), tmp_path / "out"), lines.append)
    assert [line[:5] for line in lines] == ["[1/3]", "[2/3]", "[3/3]"]
    reds = [read_photo(tmp_path / "out" / f"{number}.png").colour[0, 0, 0] for number in range(3)]
    assert reds == [0, 1, 2]


def test_a_file_that_cannot_be_written_is_the_failure_of_its_image(tmp_path):
    for number in range(3):
        Image.new("RGB", (5, 7)).save(tmp_path / f"{number}.png")
    (tmp_path / "out" / "1.png").mkdir(parents=True)
    lines = []
    with pytest.raises(WorkError, match="1 of 3 pictures failed"):
        jobs.run(BicubicUpscaler(2), jobs.plan(sorted(tmp_path.glob("*.png")), tmp_path / "out"), lines.append)
    assert lines[1].startswith("[2/3] failed: cannot write")
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_file()) == ["0.png", "2.png"]


def test_without_threads_images_are_written_by_the_caller(tmp_path):
    with encoding.Encoders(0) as encoders:
        assert encoders.write(tmp_path / "a.png", one_colour(7), {}).done()
        with pytest.raises(WorkError, match="cannot write"):
            encoders.write(tmp_path / "a.png" / "b.png", one_colour(7), {})
    assert (tmp_path / "a.png").exists()


@pytest.mark.parametrize("in_memory", [0, 72])  # the image has 72 bytes
def test_large_and_small_images_have_the_same_pixels(tmp_path, monkeypatch, in_memory):
    monkeypatch.setattr(encoding, "_IN_MEMORY", in_memory)
    with encoding.Encoders() as encoders:
        written = encoders.write(tmp_path / "a.png", one_colour(7), {})
        assert in_memory or written.done()
    assert written.result() is None
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png").colour, np.full((4, 6, 3), 7))


def test_after_an_error_images_that_wait_are_dropped(tmp_path, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(encoding, "write_enlarged", lambda *arguments, **options: release.wait(20))
    monkeypatch.setattr(encoding, "_MOST_THREADS", 1)
    written = []

    def interrupted():
        with encoding.Encoders() as encoders:
            written.extend(encoders.write(tmp_path / f"{value}.png", one_colour(value), {}) for value in range(2))
            threading.Timer(0.2, release.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    first, second = written
    assert first.result() is True
    assert second.cancelled()


@pytest.mark.parametrize(("level", "larger"), [(0, True), (9, False)])
def test_png_levels(tmp_path, level, larger):
    ramp = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    sizes = []
    for number in (level, 4):
        encoding.write_enlarged(
            tmp_path / "a.png", Enlarged(64, 64, 1, 8, [ramp[..., np.newaxis]]), {}, png_level=number
        )
        np.testing.assert_array_equal(read_photo(tmp_path / "a.png").colour[..., 0], ramp)
        sizes.append((tmp_path / "a.png").stat().st_size)
    assert (sizes[0] > 3 * sizes[1]) == larger
