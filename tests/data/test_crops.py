import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.data.crops import crop_batch, cumulative_areas, dihedral
from srgan_tf.data.pairs import Pair
from srgan_tf.data.pipeline import TrainingPictures, load_pairs
from srgan_tf.data.sources import open_source
from srgan_tf.images.resize import imresize

OPTIONS = {"batch_size": 4, "hr_patch_size": 24, "scale": 4, "seed": 5}


def coded_pairs(count=5, height=12, width=16):
    """Pairs whose pixels encode their position: red is the picture, green the LR row, blue the LR column."""
    pairs = []
    for index in range(count):
        rows, columns = np.mgrid[:height, :width]
        lr = np.stack([np.full_like(rows, index), rows, columns], axis=-1).astype(np.uint8)
        pairs.append(Pair(str(index), lr, lr.repeat(4, axis=0).repeat(4, axis=1)))
    return pairs


def test_lr_and_hr_are_cut_at_the_same_place():
    pairs = coded_pairs()
    for step in range(50):
        lr, hr = crop_batch(pairs, step, **OPTIONS)
        assert lr.shape == (4, 6, 6, 3)
        assert hr.shape == (4, 24, 24, 3)
        np.testing.assert_array_equal(hr, lr.repeat(4, axis=1).repeat(4, axis=2))


def test_real_crops_are_aligned_to_the_pixel():
    pairs = load_pairs([open_source("synthetic", split="train", scale=4, synthetic_size=96)])
    for step in range(20):
        lr, hr = crop_batch(pairs, step, augment=False, **(OPTIONS | {"hr_patch_size": 64}))
        for small, large in zip(lr, hr, strict=True):
            np.testing.assert_array_equal(imresize(large, 16, 16)[3:-3, 3:-3], small[3:-3, 3:-3])


def test_each_picture_once_an_epoch_in_a_new_order():
    pairs = coded_pairs(count=8)
    drawn = np.concatenate([crop_batch(pairs, step, **OPTIONS)[0][:, 0, 0, 0] for step in range(6)]).reshape(3, 8)
    for epoch in drawn:
        assert sorted(epoch) == list(range(8))
    assert len({tuple(epoch) for epoch in drawn}) == 3


def test_places_and_symmetries_are_uniform():
    pairs = coded_pairs(count=1, height=9, width=10)  # 4 x 5 places of 6x6
    places, symmetries = np.zeros((4, 5), int), np.zeros(8, int)
    corner = np.arange(36).reshape(6, 6)
    views = [dihedral(corner[..., np.newaxis], symmetry)[0, :2, 0].tolist() for symmetry in range(8)]
    for step in range(1000):
        for patch in crop_batch(pairs, step, **OPTIONS)[0].astype(int):
            top, left = patch[..., 1].min(), patch[..., 2].min()
            places[top, left] += 1
            first_two = ((patch[0, :2, 1] - top) * 6 + patch[0, :2, 2] - left).tolist()
            symmetries[views.index(first_two)] += 1
    for counts in (places.ravel(), symmetries):
        expected = 4000 / len(counts)
        chi_squared = ((counts - expected) ** 2 / expected).sum()
        # The 99.99 % points of chi squared with 19 and 7 degrees of freedom are 50.8 and 29.9.
        assert chi_squared < {20: 50.8, 8: 29.9}[len(counts)]


def test_pictures_and_quadrants_are_drawn_uniformly():
    """20,000 crops: chi squared of their quadrants; of pictures, each once an epoch, which is evener than chance."""
    count, size = (
        37,
        40,
    )  # LR pixels; patches of 6 leave 35 x 35 places, of which the middle row and column are no one's
    pairs = coded_pairs(count=count, height=size, width=size)
    drawn, quadrants = np.zeros(count, int), np.zeros((count, 2, 2), int)
    for step in range(5000):
        for patch in crop_batch(pairs, step, **OPTIONS)[0].astype(int):
            picture, top, left = patch[..., 0].min(), patch[..., 1].min(), patch[..., 2].min()
            drawn[picture] += 1
            if top != 17 and left != 17:
                quadrants[picture, top // 18, left // 18] += 1
    assert drawn.sum() == 20_000
    assert drawn.max() - drawn.min() <= 1
    expected = quadrants.sum() / quadrants.size
    assert expected == pytest.approx(20_000 * (34 / 35) ** 2 / (4 * count), rel=0.02)
    # 148 cells: the 99.99 % point of chi squared with 147 degrees of freedom is 219.6 (Wilson-Hilferty).
    assert ((quadrants - expected) ** 2 / expected).sum() < 219.6
    # The four quadrants over all pictures, 3 degrees of freedom: 21.1.
    total = quadrants.sum(axis=0)
    assert ((total - total.mean()) ** 2 / total.mean()).sum() < 21.1


def sized_pairs(sizes):
    """Pairs of different LR sizes, whose red is the number of the picture."""
    return [coded_pairs(index + 1, *size)[index] for index, size in enumerate(sizes)]


def test_pictures_are_drawn_in_proportion_to_their_area():
    sizes = [(6, 6), (7, 9), (40, 30), (12, 50), (6, 11), (33, 33), (8, 8)]
    pairs = sized_pairs(sizes)
    areas = cumulative_areas(pairs, "area")
    np.testing.assert_array_equal(areas, np.cumsum([16 * height * width for height, width in sizes]))
    lr = np.concatenate([crop_batch(pairs, step, areas=areas, **OPTIONS)[0] for step in range(7 * 250)])
    drawn = lr[..., 0].max(axis=(1, 2))
    shares = np.array([height * width for height, width in sizes]) / (areas[-1] / 16)
    counts, expected = np.bincount(drawn, minlength=7), 7000 * shares
    # The 99.99 % point of chi squared with 6 degrees of freedom; systematic sampling stays well below chance.
    assert ((counts - expected) ** 2 / expected).sum() < 27.9
    for epoch in drawn.reshape(-1, 7):
        assert (np.abs(np.bincount(epoch, minlength=7) - 7 * shares) < 1).all()
    # Also the patches at one position in their epoch follow the areas.
    first, expected = np.bincount(drawn[::7], minlength=7), 1000 * shares
    assert ((first - expected) ** 2 / expected).sum() < 27.9


def test_pictures_of_equal_area_are_drawn_alike_either_way():
    pairs = sized_pairs([(12, 16), (16, 12), (8, 24), (24, 8), (12, 16)])
    areas = cumulative_areas(pairs, "area")
    for step in range(30):
        for by_area, by_picture in zip(
            crop_batch(pairs, step, areas=areas, **OPTIONS), crop_batch(pairs, step, **OPTIONS), strict=True
        ):
            np.testing.assert_array_equal(by_area, by_picture)


def test_auto_draws_by_area_where_sizes_are_mixed():
    even, mixed = [(10, 10), (20, 20)], [(10, 10), (20, 21)]
    assert cumulative_areas(sized_pairs(even), "auto") is None
    np.testing.assert_array_equal(cumulative_areas(sized_pairs(mixed), "auto"), [1600, 1600 + 16 * 420])
    assert cumulative_areas(sized_pairs(mixed), "picture") is None
    with pytest.raises(ValueError, match=r"must be one of area, auto, picture\. Received: 'size'"):
        cumulative_areas(sized_pairs(mixed), "size")


def test_batches_drawn_by_area_are_the_same_from_any_step():
    pairs = sized_pairs([(6, 6), (40, 30), (12, 50)])
    whole = list(batches(pairs, 0, 7, sampling="area"))
    for offset, (lr, hr) in enumerate(batches(pairs, 3, 7, sampling="area")):
        np.testing.assert_array_equal(lr, whole[3 + offset][0])
        np.testing.assert_array_equal(hr, whole[3 + offset][1])
    by_picture = list(batches(pairs, 0, 7, sampling="picture"))
    assert any((one[0].numpy() != other[0].numpy()).any() for one, other in zip(whole, by_picture, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("store", ["memory", "disk"])
def test_a_thousand_crops_of_photographs_are_aligned(real_data, tmp_path, store):
    pairs = load_pairs(
        [open_source(str(real_data / "valid"), split="train", scale=4)], min_hr_side=96, store=store, cache=tmp_path
    )
    options = {"batch_size": 50, "hr_patch_size": 96, "scale": 4, "seed": 1, "augment": False}
    for step in range(20):
        for lr, hr in zip(*crop_batch(pairs, step, **options), strict=True):
            # Bicubic x4 reaches two LR pixels far: inside, LR made of the crop is LR made of the picture.
            difference = imresize(hr, 24, 24)[2:-2, 2:-2].astype(int) - lr[2:-2, 2:-2]
            assert np.abs(difference).max() <= 1


def test_the_eight_symmetries_differ_and_fit_odd_sizes():
    image = np.arange(2 * 3 * 3).reshape(2, 3, 3)
    views = [dihedral(image, symmetry) for symmetry in range(8)]
    assert len({(view.shape, view.tobytes()) for view in map(np.ascontiguousarray, views)}) == 8
    np.testing.assert_array_equal(views[0], image)
    np.testing.assert_array_equal(views[4], image[:, ::-1])
    assert views[1].shape == (3, 2, 3)


def test_without_augment_patches_are_unchanged():
    lr, _ = crop_batch(coded_pairs(), 0, augment=False, **OPTIONS)
    assert (np.diff(lr[..., 1].astype(int), axis=1) == 1).all()
    assert (np.diff(lr[..., 2].astype(int), axis=2) == 1).all()


def batches(pairs, first_step, last_step, **changes):
    options = OPTIONS | changes
    seed = options.pop("seed")
    return TrainingPictures(pairs, **options).batches(first_step, last_step, seed)


def test_pipeline_gives_the_same_batches_from_any_step():
    pairs = coded_pairs()
    whole = list(batches(pairs, 0, 7))
    assert len(whole) == 7
    for offset, (lr, hr) in enumerate(batches(pairs, 4, 7)):
        np.testing.assert_array_equal(lr, whole[4 + offset][0])
        np.testing.assert_array_equal(hr, whole[4 + offset][1])
        assert lr.dtype == hr.dtype == tf.uint8
        assert lr.shape == (4, 6, 6, 3)
    # Inside tf.data and eager it is one function.
    np.testing.assert_array_equal(whole[3][1], crop_batch(pairs, 3, **OPTIONS)[1])
    other = next(iter(batches(pairs, 0, 1, seed=6)))
    assert (other[1].numpy() != whole[0][1].numpy()).any()


def test_patches_must_be_whole_lr_pixels():
    with pytest.raises(ValueError, match="26"):
        batches(coded_pairs(), 0, 1, hr_patch_size=26)
