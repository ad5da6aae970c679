import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.data.pairs import Pair
from srgan_tf.data.sources import Source, open_source
from srgan_tf.errors import WorkError
from srgan_tf.evaluation import scoring
from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.metrics.table import load_metrics


class Constant:
    """Turns every image into a gray one."""

    name, scale, halo, bytes_per_pixel = "constant", 4, 0, 48

    def upscale(self, lr):
        return np.full((4 * lr.shape[0], 4 * lr.shape[1], 3), 100, np.uint8)


RGB = load_metrics(["psnr_rgb"])
DEFAULT = load_metrics(scoring.DEFAULT_METRICS)


def flat_pair(name, level, size=32):
    return Pair(name, np.zeros((size // 4, size // 4, 3), np.uint8), np.full((size, size, 3), level, np.uint8))


def test_means_are_over_pictures_not_over_pixels():
    pairs = [flat_pair("small", 110, 32), flat_pair("large", 200, 64)]
    scored = [scoring.evaluate_pair(Constant(), pair, RGB) for pair in pairs]
    values = [row.scores["psnr_rgb"] for row in scored]
    assert values == pytest.approx([20 * np.log10(255 / 10), 20 * np.log10(255 / 100)])
    assert scoring.mean_scores(row.scores for row in scored)["psnr_rgb"] == pytest.approx(np.mean(values))


def test_the_default_scores_and_their_time():
    scored = scoring.evaluate_pair(Constant(), flat_pair("a", 110), DEFAULT)
    assert list(scored.scores) == ["psnr_y", "ssim_y", "psnr_lr"]
    assert scored.seconds > 0


def test_pictures_that_cannot_be_scored_are_named():
    with pytest.raises(WorkError, match="cannot score 'little': SSIM needs at least 11"):
        scoring.evaluate_pair(Constant(), flat_pair("little", 0, 16), DEFAULT)
    with pytest.raises(WorkError, match=r"cannot score 'tiny': `border` must leave pixels of a 8x8 image"):
        scoring.evaluate_pair(Constant(), flat_pair("tiny", 0, 8), DEFAULT)


def test_attempts_go_on_after_a_picture_that_cannot_be_read():
    def fail():
        raise WorkError("damaged")

    loaders = [lambda name=name: flat_pair(name, 90) for name in "abcdefgh"]
    source = Source("mine", [*loaders[:3], fail, *loaders[3:]])
    attempts = list(source.attempts())
    assert [pair.name for pair in attempts if isinstance(pair, Pair)] == list("abcdefgh")
    assert str(attempts[3]) == "damaged"


def test_a_bug_in_a_loader_is_not_swallowed():
    def bug():
        raise KeyError("bug")

    with pytest.raises(KeyError):
        list(Source("mine", [bug]).attempts())


@pytest.mark.parametrize(
    ("dataset", "psnr_y"),
    [
        ("Set5", 28.43),
        pytest.param("Set14", 26.09, marks=pytest.mark.slow),
        pytest.param("BSD100", 25.96, marks=pytest.mark.slow),
    ],
)
def test_bicubic_matches_the_published_scores(real_data, dataset, psnr_y):
    source = open_source(str(real_data / "benchmark" / dataset), split="valid", scale=4)
    mean = scoring.mean_scores(scoring.evaluate_pair(BicubicUpscaler(4), pair, DEFAULT).scores for pair in source)
    assert mean["psnr_y"] == pytest.approx(psnr_y, abs=0.01)


def test_a_picture_that_does_not_fit_the_memory_is_an_error_like_others():
    class Large:
        name = "large"

        def __call__(self):
            raise MemoryError

    first, second = Source("mine", [Large(), lambda: flat_pair("a", 90)]).attempts()
    assert str(first) == "not enough memory to read 'large'"
    assert second.name == "a"


@pytest.mark.parametrize("error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM")])
def test_memory_that_runs_out_while_scoring(error):
    class Large(Constant):
        def upscale(self, lr):
            raise error

    with pytest.raises(WorkError, match="not enough memory"):
        scoring.evaluate_pair(Large(), flat_pair("a", 90), DEFAULT)
