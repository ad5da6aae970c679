"""Groups pictures into batches of about equal work."""

import itertools

PIXELS = 4 << 20  # of the pictures of a batch; a larger picture is alone
PICTURES = 64
_WINDOW = 1024


def batches(pictures, *, most_pictures=PICTURES, most_pixels=PIXELS, window=_WINDOW):
    """Yields lists of pictures of similar size, those of large pictures first.

    Only `window` pictures are sorted at a time, so the plan may have any length. Large pictures come first so that the
    end of a run does not wait for one that was started late.

    Args:
        pictures: iterable of `plan.Picture`.
        most_pictures: number of pictures in a batch.
        most_pixels: sum of their pixels; a picture that has more is a batch of its own.
        window: number of pictures.
    """
    pictures = iter(pictures)
    while ahead := sorted(itertools.islice(pictures, window), key=lambda picture: picture.pixels, reverse=True):
        batch, pixels = [], 0
        for picture in ahead:
            if batch and (len(batch) == most_pictures or pixels + picture.pixels > most_pixels):
                yield batch
                batch, pixels = [], 0
            batch.append(picture)
            pixels += picture.pixels
        yield batch


def pictures_per_batch(pictures, actors):
    """Number of pictures in a batch at most: small folders give each actor at least four batches.

    >>> pictures_per_batch(1_000_000, 16), pictures_per_batch(400, 2), pictures_per_batch(3, 2)
    (64, 50, 1)
    """
    return max(1, min(PICTURES, pictures // (4 * max(1, actors))))
