import io
import tracemalloc

import numpy as np
from PIL import Image

from srgan_tf.photos.png import write_png


def test_memory_does_not_grow_with_the_width(rng):
    """The rows of 9 MB are filtered a few at a time; at once they took 25 times as much."""
    stripe = rng.integers(0, 256, (64, 50_000, 3), dtype=np.uint8)
    file = io.BytesIO()
    tracemalloc.start()
    write_png(file, [stripe], width=50_000, height=64, channels=3, bits=8)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(file.getvalue()) + (50 << 20)
    np.testing.assert_array_equal(np.asarray(Image.open(file)), stripe)
