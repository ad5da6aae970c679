"""The upscaler of continuous generators: any factor, and any part of the result."""

import numpy as np
import tensorflow as tf

from srgan_tf.images import pixels
from srgan_tf.images.positions import axis_positions, scaled_size
from srgan_tf.inference.upscalers import MAPS_FACTOR, PICTURE_BYTES, checked
from srgan_tf.networks.continuous import at_positions, at_scale
from srgan_tf.networks.geometry import map_memory, receptive_field
from srgan_tf.networks.idm import LAYER, base_of, is_diffusion

_LARGE = 8
# Output pixels around a tile of a diffusion generator. Its receptive field is larger, but little depends on the rest.
_DIFFUSION_CONTEXT = 64


class ContinuousUpscaler:
    """A continuous generator at one factor; an `Upscaler`.

    Args:
        generator: the `keras.Model`. Later changes of its weights take effect.
        name: its name in reports.
        scale: the factor, at least 1; an int or a float.

    Attributes:
        sampling: "steps" and "seed" of a diffusion generator; None for others.
    """

    continuous = True

    def __init__(self, generator, name, scale):
        self.name = name
        self.scale = scale
        diffusion = generator.get_layer(LAYER) if is_diffusion(generator) else None
        self.halo = receptive_field(base_of(generator) if diffusion else generator)
        self.context = _DIFFUSION_CONTEXT if diffusion else 0
        self.sampling = {"steps": diffusion.steps, "seed": diffusion.seed} if diffusion else None
        # At factor 1 most feature maps are the trunk's, at a large one they are those at output size.
        of_trunk, of_output = map_memory(at_scale(generator, 1)), map_memory(at_scale(generator, _LARGE)) / _LARGE**2
        of_output += diffusion.bytes_per_pixel if diffusion else 0
        self.bytes_per_pixel = MAPS_FACTOR * of_trunk + scale**2 * (PICTURE_BYTES + MAPS_FACTOR * of_output)
        network = at_positions(generator)

        # Sizes are unspecified: one trace serves every tile.
        @tf.function(
            input_signature=[
                tf.TensorSpec([None, None, 3], tf.float32),
                tf.TensorSpec([None, 4], tf.float32),
                tf.TensorSpec([None, 4], tf.float32),
            ]
        )
        def sample(lr, rows, columns):
            sr = network([lr[tf.newaxis], rows[tf.newaxis], columns[tf.newaxis]], training=False)[0]
            return tf.clip_by_value(sr, 0.0, 1.0), tf.reduce_all(tf.math.is_finite(sr))

        # TensorFlow counts the traces of calls and warns where a program loads several models.
        self._function = sample.get_concrete_function()

    def upscale(self, lr):
        """Enlarges a whole image to `scale` times its size, rounded to the nearest pixel; see `Upscaler`."""
        sizes = lr.shape[:2]
        return self.sample(lr, *(axis_positions(size, scaled_size(size, self.scale)) for size in sizes))

    def sample(self, lr, rows, columns):
        """The output pixels at some rows and columns.

        Args:
            lr: image [height, width, 3], uint8, or float32 in [0, 1].
            rows: float32 [n, 4], positions; see `images.positions.axis_positions`.
            columns: float32 [m, 4].

        Returns:
            [n, m, 3] of the dtype of `lr`.

        Raises:
            WorkError: a value of the result is not finite.
        """
        sr = checked(self.name, *self._function(pixels.to_float(lr) if lr.dtype == np.uint8 else lr, rows, columns))
        return (pixels.to_uint8(sr) if lr.dtype == np.uint8 else sr).numpy()
