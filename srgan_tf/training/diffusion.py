"""The diffusion phase: its loss and its training step."""

import numpy as np
import tensorflow as tf

from srgan_tf.losses.pixel import PIXEL_LOSSES
from srgan_tf.networks.idm import LAYER, conditions_of
from srgan_tf.training.objective import LossInputs, evaluate_terms
from srgan_tf.training.scalars import generator_scalars
from srgan_tf.training.steps import trained_generator
from srgan_tf.training.update import Losses, make_step


def make_diffusion_step(state, loss, terms, *, ema_decay, micro_batches=1, jit=False):
    """Makes the diffusion step, which updates the diffusion of the generator only.

    Args:
        state: a `TrainingState` of a diffusion generator; the step changes its variables.
        loss: a key of `PIXEL_LOSSES`, the distance of the estimates.
        terms: dictionary of names to `Term`, of the images that the estimates imply; added to the distance.
        ema_decay: decay of the averaged generator.
        micro_batches: as for `make_pretrain_step`.
        jit: as for `make_pretrain_step`.

    Returns:
        Function from `(lr, rows, columns)`, a batch of `ContinuousPictures` whose pixels are neighbours, and `hr` to a
        `StepResult`, for the strategy in whose scope this is called.
    """
    compute = diffusion_losses(state.generator, loss)

    def compute_losses(lr, hr, positions, corner):
        distance, sr = compute(lr, hr, positions)
        if not terms:
            return Losses([distance], generator_scalars(distance, {}, hr, sr), {})
        weighted, values = evaluate_terms(terms, LossInputs(hr=hr, sr=sr, corner=corner))
        total = distance + weighted
        return Losses([total], generator_scalars(total, {"estimate": distance} | values, hr, sr), {})

    return make_step(state, [trained_generator(state)], compute_losses, ema_decay, micro_batches, jit)


def diffusion_losses(generator, loss):
    """The loss of a diffusion generator on a batch: that of its estimate in a random state for each image.

    Args:
        generator: the network that is trained.
        loss: a key of `PIXEL_LOSSES`.

    Returns:
        Function from `(lr, rows, columns)`, `hr` and float32 [batch] random numbers in [0, 1) to the loss and the SR
        that the estimates imply. It is a function of these three: the states and the noise depend on the numbers.
    """
    layer, conditions, distance = generator.get_layer(LAYER), conditions_of(generator), PIXEL_LOSSES[loss]
    schedule = layer.schedule
    states = np.arange(1, schedule.length + 1)
    signals, noises = (tf.constant(values[1:], tf.float32) for values in (schedule.signal, schedule.noise))
    levels = tf.constant(schedule.log_noise_level(states))

    def compute(inputs, hr, numbers):
        features, base, rows, columns = conditions(inputs, training=False)
        features, base = tf.stop_gradient(features), tf.stop_gradient(base)
        index = tf.cast(numbers * schedule.length, tf.int32)
        signal, noise = (
            tf.gather(values, index)[:, tf.newaxis, tf.newaxis, tf.newaxis] for values in (signals, noises)
        )
        residual = layer.gain * (hr - base)
        e = _noise(hr, numbers)
        z = signal * residual + noise * e
        prepared = layer.prepare([features, base, rows, columns])
        output = tf.cast(layer.denoise(prepared, z, tf.gather(levels, index)), tf.float32)
        target = residual if layer.prediction == "image" else e
        return distance(target, output), base + layer.image_of(output, z, signal, noise) / layer.gain

    return compute


def _noise(images, numbers):
    """Standard normal noise of the shape of the images; that of each image is a function of its number."""

    def of_image(number):
        # The number has 24 random bits; its bit pattern is a seed.
        return tf.random.stateless_normal(tf.shape(images)[1:], tf.stack([tf.bitcast(number, tf.int32), 1]))

    return tf.map_fn(of_image, numbers, fn_output_signature=tf.TensorSpec(images.shape[1:], tf.float32))
