import keras
import numpy as np
import pytest

from srgan_tf.data.sources import open_source
from srgan_tf.errors import UserError, WorkError
from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.networks.ranker import ranker_network
from srgan_tf.networks.srresnet import srresnet
from srgan_tf.training import ranker as ranking
from srgan_tf.training.optimizers import make_optimizer, make_schedule


class Noisy:
    """Bicubic upscaling with added noise: a model with worse results."""

    scale, halo, bytes_per_pixel = 4, 2, 2048

    def __init__(self, level):
        self.name = f"noise {level}"
        self._level = level

    def upscale(self, lr):
        sr = BicubicUpscaler(4).upscale(lr)
        noise = np.random.default_rng(0).normal(scale=self._level, size=sr.shape)
        return np.clip(sr + noise, 0, 255).astype(np.uint8)


def roughness(picture):
    """A label in place of NIQE: the mean difference of neighbouring pixels."""
    difference = np.abs(np.diff(picture.astype(float), axis=1)).mean()
    if difference < 0.1:
        raise ValueError("flat")
    return difference


@pytest.fixture(scope="module")
def ranked():
    source = open_source("synthetic", split="train", scale=4, synthetic_count=6, synthetic_size=96)
    upscalers = [Noisy(0), Noisy(15), Noisy(5)]
    return ranking.rank_patches(upscalers, source, roughness, patch_size=40, places=45, seed=0)


def test_the_patches_of_all_models_are_from_the_same_places_and_labelled(ranked):
    assert ranked.patches.shape[1:] == (3, 40, 40, 3)
    assert 20 < len(ranked.patches) <= 45
    plain, rough, medium = ranked.patches.astype(float).swapaxes(0, 1)
    assert np.abs(plain - medium).mean() < np.abs(plain - rough).mean() < 20
    for place in (0, len(ranked.patches) - 1):
        assert ranked.labels[place].tolist() == [roughness(patch) for patch in ranked.patches[place]]
    assert (ranked.labels[:, 0] < ranked.labels[:, 2]).all()
    assert (ranked.labels[:, 2] < ranked.labels[:, 1]).all()


def test_pictures_smaller_than_a_patch_are_an_error():
    source = open_source("synthetic", split="train", scale=4, synthetic_count=2, synthetic_size=32)
    with pytest.raises(WorkError, match="2 pictures too small"):
        ranking.rank_patches([Noisy(0), Noisy(9)], source, roughness, patch_size=40, places=4, seed=0)


def test_the_better_patch_of_a_pair_comes_first(ranked):
    for seed in range(5):
        better, worse = ranking._pairs(ranked, np.random.default_rng(seed), 8, 32)
        assert better.shape == worse.shape == (8, 32, 32, 3)
        for one, other in zip(better, worse, strict=True):
            # Turns exchange rows and columns; noise is rough in both directions.
            assert min(np.abs(np.diff(one.astype(float), axis=axis)).mean() for axis in (0, 1)) < max(
                np.abs(np.diff(other.astype(float), axis=axis)).mean() for axis in (0, 1)
            )


def test_each_pair_is_cropped_flipped_and_rotated_independently():
    # Each pixel has the number of its position; those of the second model are larger by 100.
    side, crop = 6, 4
    position = np.arange(side * side, dtype=np.uint8).reshape(side, side)
    patches = np.stack([position, position + 100])[None, ..., None].repeat(3, axis=-1)
    ranked = ranking.RankedPatches(patches, np.array([[1.0, 2.0]]))
    better, worse = ranking._pairs(ranked, np.random.default_rng(0), 400, crop)
    assert (worse.astype(int) - better == 100).all()  # both patches of a pair get the same
    crops = [position[top : top + crop, left : left + crop] for top in range(3) for left in range(3)]
    expected = {
        np.rot90(image, turns).tobytes() for cut in crops for image in (cut, cut[:, ::-1]) for turns in range(4)
    }
    assert len(expected) == 9 * 8
    seen = {image[..., 0].tobytes() for image in better}
    assert seen == expected


@pytest.mark.slow
def test_the_learning_rate_is_halved_at_a_quarter_and_a_half_and_weights_decay(ranked, monkeypatch):
    made = []

    def record(learning_rate, steps, *arguments):
        made.append((learning_rate, steps, arguments[2]))
        return make_optimizer(learning_rate, steps, *arguments)

    monkeypatch.setattr(ranking, "make_optimizer", record)
    ranker = ranker_network(num_filters=1)
    ranking.train_ranker(ranker, ranked, ranked, crop_size=32, steps=1, batch_size=1, learning_rate=0.8, seed=0)
    ((rate, steps, optimizer),) = made
    schedule = make_schedule(rate, 8)
    assert steps == 1
    assert [float(schedule(step)) for step in range(8)] == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.2, 0.2])
    assert (optimizer.name, optimizer.weight_decay) == ("adam", 1e-4)


def test_the_middle_of_patches():

    values = np.array([[1, 2]], np.uint8)
    patches = np.broadcast_to(3 - values[..., None, None, None], (1, 2, 65, 65, 3)).copy()
    patches[:, :, 16:-16, 16:-16] = values[..., None, None, None]
    assert (ranking._middle(patches, 33) == np.broadcast_to(values[..., None, None, None], (1, 2, 33, 33, 3))).all()


@pytest.mark.slow
def test_the_ranker_learns_that_lower_is_better(ranked, tmp_path):
    keras.utils.set_random_seed(0)
    ranker = ranker_network(num_filters=4)
    cut = len(ranked.labels) * 2 // 3
    train = ranking.RankedPatches(ranked.patches[:cut], ranked.labels[:cut])
    held_out = ranking.RankedPatches(ranked.patches[cut:], ranked.labels[cut:])
    accuracy = ranking.train_ranker(
        ranker, train, held_out, crop_size=32, steps=80, batch_size=8, learning_rate=4e-3, seed=0
    )
    assert accuracy > 0.9
    ranking.save_ranker(ranker, tmp_path / "ranker.keras")
    loaded = ranking.load_ranker(str(tmp_path / "ranker.keras"))
    assert not loaded.trainable_variables
    scores = loaded(ranked.patches[0].astype(np.float32) / 255.0).numpy()
    assert np.argmax(scores) == 1  # the noisiest


def test_accuracy_worked_by_hand():
    # Scores are the patches' values: 1 < 2 < 3 at the first place, where labels say 1 < 3 < 2: two of three pairs.
    values = np.array([[1, 2, 3], [3, 2, 1]], np.uint8)
    patches = np.broadcast_to(values[..., None, None, None], (2, 3, 4, 4, 3))
    image = keras.Input((None, None, 3))
    network = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image)[:, :1])
    labels = np.array([[1.0, 3.0, 2.0], [3.0, 2.0, 1.0]])
    assert ranking.pair_accuracy(network, ranking.RankedPatches(patches, labels)) == pytest.approx(5 / 6)


def test_invalid_rankers_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"gan\.ranker='missing\.keras' is not a ranker.*srgan-tf rank"):
        ranking.load_ranker("missing.keras")
    file = str(tmp_path / "generator.keras")
    srresnet(num_blocks=1, num_filters=2).save(file)
    with pytest.raises(UserError, match="is not a ranker: it maps"):
        ranking.load_ranker(file)
