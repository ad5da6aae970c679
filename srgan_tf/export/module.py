"""The functions that TensorFlow Serving runs, in a module that holds the generator's variables."""

import tensorflow as tf

from srgan_tf.export.decoding import decode_picture
from srgan_tf.images.pixels import to_float, to_uint8
from srgan_tf.networks.continuous import at_positions, is_continuous
from srgan_tf.networks.geometry import receptive_field, scale_of
from srgan_tf.networks.rewrites.unfused_sums import without_fused_sums
from srgan_tf.networks.sampling import axis_positions

_PNG_SIDE = 1_000_000  # pixels; libpng, which encodes the results, takes no more
MAX_IMAGES = 64  # encoded images in one request, which are upscaled one after the other
# Names of the signatures and of the module's functions behind them.
SIGNATURES = {
    "serving_default": "image_bytes",
    "tensor": "tensor",
    "tensor_uint8": "tensor_uint8",
    "describe": "describe",
}
# The same of a continuous generator alone.
CONTINUOUS_SIGNATURES = {"tensor_size": "tensor_size"}


def signatures_of(network):
    """Names of the signatures of a network's module, and of the functions behind them."""
    return SIGNATURES | (CONTINUOUS_SIGNATURES if is_continuous(network) else {})


def serving_module(network, description):
    """Returns a `tf.Module` with the functions of `signatures_of`, `upscale`, and the variables that they read.

    image_bytes: `image_bytes` string [batch], PNG, JPEG or WebP of any sizes, at most `MAX_IMAGES` -> `sr_bytes` string
    [batch], PNG.
    tensor: `lr` float32 [batch, height, width, 3] in [0, 1] -> `sr` float32, `scale` times as large, in [0, 1].
    tensor_uint8: the same in uint8, 0 to 255.
    tensor_size, of a continuous generator: `lr` as for tensor, `size` int32 [2], height and width -> `sr` float32 of
    that size. Each side is at least that of `lr`; the images have at most `max_pixels * scale^2` pixels together.
    describe: `key` string [batch] -> `value` int64 [batch] of "scale", "receptive_field" (-1: unknown), "max_pixels".
    upscale: the same as `tensor`, without its checks; not a signature.

    Wrong requests end in `InvalidArgumentError`: images that cannot be decoded, `lr` values outside [0, 1], more pixels
    than `max_pixels`, more images than `MAX_IMAGES`, unknown keys.

    The module holds the TensorFlow variables and not the Keras model or its weights: with those TensorFlow Serving's
    loader ends in "Could not find variable" (tensorflow/serving#2250) or finds the weights twice
    (keras-team/keras#23553).

    Args:
        network: functional `keras.Model` from LR to SR in [0, 1], float32.
        description: of `describe_network`.
    """
    max_pixels = description["max_pixels"]
    network = without_fused_sums(network)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, name="lr")])
    def upscale(lr):
        return tf.clip_by_value(network(lr, training=False), 0.0, 1.0)

    def checked(lr):
        shape = tf.shape(lr, tf.int64)
        message = "`lr` of shape {} has more pixels than the limit of {}, or none: send it in tiles"
        pixels = tf.reduce_prod(shape[:3])
        fits = tf.debugging.Assert(
            tf.logical_and(pixels > 0, pixels <= max_pixels), [tf.strings.format(message, (shape, max_pixels))]
        )
        with tf.control_dependencies([fits]):
            return tf.identity(lr)

    def checked_floats(lr):
        lr = checked(lr)
        low, high = tf.reduce_min(lr), tf.reduce_max(lr)
        message = "`lr` must lie in [0, 1]. Received: {} to {}"
        in_range = tf.debugging.Assert(
            tf.logical_and(low >= 0.0, high <= 1.0), [tf.strings.format(message, (low, high))]
        )
        with tf.control_dependencies([in_range]):
            return tf.identity(lr)

    @tf.function(input_signature=upscale.input_signature)
    def tensor(lr):
        return {"sr": upscale(checked_floats(lr))}

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, name="lr")])
    def tensor_uint8(lr):
        return {"sr": to_uint8(upscale(to_float(checked(lr))))}

    def upscale_encoded(encoded):
        lr = decode_picture(encoded, max_pixels, max_side=_PNG_SIDE // description["scale"])
        return tf.io.encode_png(to_uint8(upscale(to_float(lr)[tf.newaxis]))[0])

    # The images of a request differ in size and cannot form a batch; one at a time keeps memory bounded.
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def image_bytes(image_bytes):
        number = tf.size(image_bytes)
        message = tf.strings.format("a request may have at most {} images. Received: {}", (MAX_IMAGES, number))
        with tf.control_dependencies([tf.debugging.Assert(number <= MAX_IMAGES, [message])]):
            image_bytes = tf.identity(image_bytes)
        sr_bytes = tf.map_fn(upscale_encoded, image_bytes, parallel_iterations=1, fn_output_signature=tf.string)
        return {"sr_bytes": sr_bytes}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="key")])
    def describe(key):
        matches = key[:, tf.newaxis] == list(description)
        known = tf.debugging.Assert(
            tf.reduce_all(tf.reduce_any(matches, 1)), [f"`key` must be of: {', '.join(description)}", key]
        )
        with tf.control_dependencies([known]):
            values = [-1 if value is None else value for value in description.values()]
            return {"value": tf.reduce_sum(tf.cast(matches, tf.int64) * values, 1)}

    module = tf.Module(name="srgan_tf")
    if is_continuous(network):
        module.tensor_size = _sized_function(network, checked_floats, max_pixels * description["scale"] ** 2)
    module.variables_read = [weight.value for weight in network.weights]
    module.upscale = upscale
    module.tensor = tensor
    module.tensor_uint8 = tensor_uint8
    module.image_bytes = image_bytes
    module.describe = describe
    return module


def _sized_function(network, checked, max_pixels):
    """The function of the signature `tensor_size`; `checked` checks `lr`, the result has at most `max_pixels`."""
    network = at_positions(network)
    lr_spec = tf.TensorSpec([None, None, None, 3], tf.float32, name="lr")

    @tf.function(input_signature=[lr_spec, tf.TensorSpec([2], tf.int32, name="size")])
    def tensor_size(lr, size):
        lr, size = checked(lr), tf.cast(size, tf.int64)
        own = tf.shape(lr, tf.int64)
        message = (
            "`size` must be at least that of `lr` and at most {} pixels together. Received: {} for `lr` of shape {}"
        )
        fits = tf.debugging.Assert(
            tf.reduce_all(size >= own[1:3]) & (own[0] * tf.reduce_prod(size) <= max_pixels),
            [tf.strings.format(message, (max_pixels, size, own))],
        )
        with tf.control_dependencies([fits]):
            rows, columns = (axis_positions(own[axis + 1], size[axis])[tf.newaxis] for axis in (0, 1))
            return {"sr": tf.clip_by_value(network([lr, rows, columns], training=False), 0.0, 1.0)}

    return tensor_size


def describe_network(generator, **more):
    """What a client needs for tiling: "scale", "receptive_field" (pixels, None if unknown), and `more`."""
    return {"scale": scale_of(generator), "receptive_field": receptive_field(generator)} | more
