"""Single-image super-resolution with SRGAN and its family in TensorFlow and Keras 3.

Importing the package imports neither TensorFlow nor Keras; `load` does.

    import srgan_tf

    print(srgan_tf.models())  # ["compact_x4", ...]
    sr = srgan_tf.load("photo_x4", strength=0.5).upscale(lr)  # uint8 [h, w, 3] -> uint8 [4h, 4w, 3]
"""

__version__ = "0.2.0"


def models():
    """Names of the trained generators that come with the package, in alphabetical order."""
    from srgan_tf.weights import shipped

    return shipped.names()


def load(model=None, *, scale=None, strength=None, tile=None, precision="auto"):
    """Loads an upscaler. Large images are upscaled in tiles that fit into memory.

    Args:
        model: one of `models()`, "bicubic", a run folder, a `.keras` file, or an export (SavedModel folder, `.onnx`
            or `.tflite` file); the default model of `srgan-tf upscale` if None.
        scale: factor of "bicubic" (default 4). A network has its own; another one is an error.
        strength: for a model of `models()` with a faithful counterpart, such as "photo_x4": between 0, the counterpart,
            and 1, the model, which is the default. Other models have none.
        tile: side of a tile in LR pixels; 0 to upscale each image at once; None to choose by the free memory.
        precision: of the feature maps: "float32", "bfloat16", "float16", or "auto" for bfloat16 where the device is
            faster in it (the results differ by about a third of a grey level) and float32 elsewhere.

    Returns:
        `srgan_tf.inference.arrays.ArrayUpscaler`, with attributes `name` and `scale`. Its `upscale(lr)` takes an
        RGB array [h, w, 3] and returns one of [scale * h, scale * w, 3]: uint8 becomes uint8, floats in [0, 1] become
        float32 in [0, 1].

    Raises:
        srgan_tf.errors.UserError: no such model, an invalid model file, a network of another scale, a strength out of
            range, or a strength for a model that has none.
        srgan_tf.errors.WorkError: the file of a model that comes with the package is damaged.
    """
    from srgan_tf.inference.arrays import ArrayUpscaler
    from srgan_tf.inference.loading import load_upscaler
    from srgan_tf.weights import shipped

    model = shipped.DEFAULT if model is None else model
    upscaler = load_upscaler(model, scale=scale, strength=strength, precision=precision)
    return ArrayUpscaler(upscaler, tile)
