"""The folders that TensorFlow Serving watches: a number for each version."""

import pathlib

DESCRIPTION_FILE = "srgan_tf.json"  # in assets.extra, of which TensorFlow Serving reads the warm-up alone


def versions(folder):
    """The version numbers under a folder, ascending."""
    return sorted(int(path.name) for path in pathlib.Path(folder).iterdir() if path.is_dir() and path.name.isdigit())
