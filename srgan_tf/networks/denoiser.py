"""The diffusion of IDM as a layer: a denoising U-Net with implicit upsampling, and the chain that runs it."""

import itertools

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from srgan_tf.diffusion.schedules import SCHEDULES
from srgan_tf.networks.implicit import ImplicitUpsampling, ScaleBalance, TimedBlock
from srgan_tf.networks.sampling import attach

_TIME_UNITS = 64
_FREQUENCIES = 4
# Side of the tables of noise, output pixels: noise repeats after so many.
_TABLE_SIDE = 251
# Below this signal, the image is not computed from an estimate of the noise.
_LEAST_SIGNAL = 1e-3


@keras.saving.register_keras_serializable("srgan_tf")
class ResidualDiffusion(layers.Layer):
    """A chain that samples the residual of HR over a base image; see `networks.idm` for its network.

    Each step's estimate is clipped to residuals that give an image from 0 to 1. An estimate that is computed from the
    noise is divided by a signal that is small at first, so small errors of the network would grow in later steps.

    Positions are those of `srgan_tf.networks.sampling`, float32 [batch, n, 4].

    Args:
        widths: channels of the U-Net at 1/2, 1/4, 1/8, ... of the output resolution.
        hidden: units of the implicit upsampling.
        schedule: a key of `SCHEDULES`.
        length: number of states of the chain.
        steps: number of steps of sampling.
        prediction: "image", the network estimates the residual, or "noise".
        gain: the residual is multiplied by this, so that its values are of the order of the noise's.
        seed: of the noise, 0 to 2^31 - 1.

    Attributes:
        bytes_per_pixel: memory of the feature maps, bytes per output pixel.
    """

    def __init__(self, widths, hidden, schedule, length, steps, prediction, gain, seed=0, **options):
        super().__init__(**options | {"autocast": False})
        self._settings = dict(
            widths=list(widths), hidden=hidden, schedule=schedule, length=length, steps=steps, prediction=prediction
        ) | {"gain": gain, "seed": seed}
        self.schedule = SCHEDULES[schedule](length)
        self.steps, self.prediction, self.gain, self.seed = steps, prediction, gain, seed
        self.multiple = 2 ** len(widths)
        # Feature maps of a block and the skips, and the state, the noise and their sums.
        self.bytes_per_pixel = 4 * (24 + sum(8 * width / 4**level for level, width in enumerate(widths, start=1)))
        policy = self.dtype_policy

        def conv(filters, name, strides=1, **more):
            return layers.Conv2D(filters, 3, strides, padding="same", dtype=policy, name=name, **more)

        def each(build, name, sizes=widths):
            return attach(self, [build(width, f"{name}{level}") for level, width in enumerate(sizes, start=1)])

        def block(width, name):
            return TimedBlock(width, dtype=policy, name=name)

        self.time_layers = attach(self, [layers.Dense(_TIME_UNITS, dtype="float32", name=f"time{n}") for n in (1, 2)])
        self.head = conv(widths[0], "head")
        self.conditions = each(lambda width, name: layers.Dense(width, dtype=policy, name=name), "condition")
        self.balances = each(lambda width, name: ScaleBalance(dtype=policy, name=name), "balance")
        self.down_blocks = each(block, "down_block")
        self.downs = each(lambda width, name: conv(width, name, 2), "down", widths[1:])
        self.up_blocks = each(block, "up_block")
        self.ups = each(
            lambda width, name: ImplicitUpsampling(width, hidden, dtype=policy, name=name), "up", widths[:-1]
        )
        small = keras.initializers.VarianceScaling(1e-4)  # the first samples are close to the base
        self.tail = layers.Conv2D(12, 3, padding="same", kernel_initializer=small, dtype="float32", name="tail")

    def build(self, input_shape):
        """Creates the weights."""
        channels, widths = input_shape[0][-1], self._settings["widths"]
        time_shape = (None, _TIME_UNITS)
        self.time_layers[0].build((None, 1 + 2 * _FREQUENCIES))
        self.time_layers[1].build(time_shape)
        self.head.build((None, None, None, 24))
        for level, width in enumerate(widths):
            shape = (None, None, None, width)
            self.conditions[level].build((None, None, None, channels))
            self.balances[level].build([shape, shape, ()])
            self.down_blocks[level].build([shape, time_shape])
            self.up_blocks[level].build([shape, time_shape])
            if level:
                self.downs[level - 1].build((None, None, None, widths[level - 1]))
                self.ups[level - 1].build(shape)
        self.tail.build((None, None, None, widths[0]))

    def call(self, inputs):
        """Samples a residual.

        Args:
            inputs: a list of LR features [batch, h, w, c], the base image [batch, n, m, 3], rows and columns.

        Returns:
            float32 [batch, n, m, 3]: what to add to the base image.
        """
        conditions = self.prepare(inputs)
        base, _, rows, columns = conditions
        least, largest = -self.gain * base, self.gain * (1 - base)  # residuals of images from 0 to 1
        states = self.schedule.strided(self.steps)
        coefficients = tf.constant([self._coefficients(*pair) for pair in itertools.pairwise(states)], tf.float32)

        def step(index, z):
            level, signal, noise, of_state, of_image, deviation = tf.unstack(coefficients[index])
            output = self.denoise(conditions, z, tf.fill([tf.shape(base)[0]], level))
            image = tf.clip_by_value(self.image_of(output, z, signal, noise), least, largest)
            following = of_state * z + of_image * image + deviation * self.noise(index + 1, rows, columns)
            return index + 1, tf.ensure_shape(following, z.shape)

        z = tf.zeros_like(base) + float(self.schedule.noise[states[0]]) * self.noise(0, rows, columns)
        # A loop of the graph: the paper's chain has hundreds of steps.
        _, z = tf.while_loop(lambda index, z: index < self.steps, step, (tf.constant(0), z))
        size = tf.shape(inputs[1])
        return z[:, : size[1], : size[2]] / self.gain

    def _coefficients(self, state, target):
        """Numbers of a reverse step: noise level, signal and noise of the state, and those of `Schedule.step`."""
        schedule = self.schedule
        level = schedule.log_noise_level(np.array(state))
        return [float(level), schedule.signal[state], schedule.noise[state], *schedule.step(state, target)]

    def image_of(self, output, z, signal, noise):
        """The residual, times the gain, that an output of the network implies in a state of that signal and noise."""
        return output if self.prediction == "image" else (z - noise * output) / tf.maximum(signal, _LEAST_SIGNAL)

    def prepare(self, inputs):
        """Pads the output grid to a multiple of the coarsest resolution, by repeating the last row and column.

        Args:
            inputs: as for `call`.

        Returns:
            `(base, features, rows, columns)`: the conditions of `denoise`.
        """
        features, base, rows, columns = inputs
        for axis in (1, 2):
            size = tf.shape(base)[axis]
            index = tf.minimum(tf.range(-(-size // self.multiple) * self.multiple), size - 1)
            base = tf.gather(base, index, axis=axis)
            rows, columns = (
                tf.gather(positions, index, axis=1) if axis == place else positions
                for place, positions in ((1, rows), (2, columns))
            )
        return base, features, rows, columns

    def denoise(self, conditions, z, level):
        """The output of the network.

        Args:
            conditions: from `prepare`.
            z: float32 [batch, n, m, 3], a state for each image.
            level: float32 [batch], from `Schedule.log_noise_level`.

        Returns:
            float32 [batch, n, m, 3].
        """
        base, features, rows, columns = conditions
        waves = tf.concat([f(level[:, tf.newaxis] * 2.0**k) for k in range(_FREQUENCIES) for f in (tf.sin, tf.cos)], 1)
        time = tf.concat([level[:, tf.newaxis], waves], 1)
        for layer in self.time_layers:
            time = tf.nn.silu(layer(time))
        x = self.head(tf.nn.space_to_depth(tf.concat([base, z], axis=3), 2))
        skips = []
        for depth, block in enumerate(self.down_blocks):
            if depth:
                x = self.downs[depth - 1](x)
            x = block([x, time])
            skips.append(x)
        step = rows[0, 0, 2]
        for depth in reversed(range(len(skips))):
            x = x if depth == len(skips) - 1 else self.ups[depth](x) + skips[depth]
            stride = 2 ** (depth + 1)
            nearest = features
            for axis, positions in ((1, rows), (2, columns)):
                index = tf.cast(positions[0, stride // 2 :: stride, 0], tf.int32)
                nearest = tf.gather(nearest, index, axis=axis)
            x = self.balances[depth]([x, self.conditions[depth](nearest), step])
            x = self.up_blocks[depth]([x, time])
        return tf.nn.depth_to_space(tf.cast(self.tail(tf.nn.silu(tf.cast(x, tf.float32))), tf.float32), 2)

    def noise(self, step, rows, columns):
        """Standard normal noise [1, n, m, 3], a function of the seed, the step and the pixel's place in the image.

        It repeats after 251 pixels.
        """
        seed = tf.stack([tf.constant(self.seed), tf.cast(step, tf.int32)])
        table = tf.random.stateless_normal((_TABLE_SIDE, _TABLE_SIDE, 3), seed)
        for axis, positions in ((0, rows), (1, columns)):
            table = tf.gather(table, tf.cast(positions[0, :, 3], tf.int32) % _TABLE_SIDE, axis=axis)
        return table[tf.newaxis]

    def compute_output_shape(self, input_shape):
        """The shape of the base image."""
        return input_shape[1]

    def get_config(self):
        """See `keras.layers.Layer`."""
        return super().get_config() | self._settings
