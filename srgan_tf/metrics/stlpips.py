"""ST-LPIPS, a learned perceptual distance that tolerates small shifts (Ghildyal & Liu 2022).

AlexNet features with blurred downsampling, compared as in LPIPS (Zhang et al. 2018), trained on human judgments. The
network is implemented here in TensorFlow. Only its weights come from the authors' package, whose import needs PyTorch,
torchvision and IPython.
"""

import numpy as np
import tensorflow as tf

from srgan_tf.metrics.installed import installed_file
from srgan_tf.metrics.torch_weights import read_weights

# As in LPIPS: ImageNet's mean and standard deviation for pixels in [-1, 1].
_MEAN = (-0.030, -0.088, -0.188)
_DEVIATION = (0.458, 0.448, 0.450)
_CHANNELS = (64, 192, 384, 256, 256)  # of the five features


def load_stlpips():
    """ST-LPIPS (AlexNet) as a function of two images.

    Returns:
        Function of `(hr, sr)`, two uint8 [height, width, 3] images of the same size, to a float; lower is better, 0 for
        equal images. It raises ValueError for images smaller than 32x32 pixels.

    Raises:
        UserError: the weights are not installed.
    """
    weights = read_weights(
        installed_file(
            "stlpips_pytorch",
            "weights/vST0.0/alex_shift_tolerant.pth",
            needed_by="stlpips",
            install="pip install --no-deps stlpips-pytorch==0.0.2",
        )
    )
    # PyTorch stores filters as [out, in, height, width].
    kernels = [(np.transpose(kernel, (2, 3, 1, 0)), bias) for kernel, bias in _convolutions(weights)]
    linear = [weights[f"lin{index}.model.1.weight"].ravel() for index in range(len(_CHANNELS))]

    # One image at a time: 2.4 GiB for 3 megapixels, where both together take 3.5 GiB.
    @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)])
    def unit_features(picture):
        image = (tf.cast(picture, tf.float32)[tf.newaxis] / 127.5 - 1 - _MEAN) / _DEVIATION
        return [feature / (tf.norm(feature, axis=-1, keepdims=True) + 1e-10) for feature in _features(image, kernels)]

    def stlpips(hr, sr):
        if min(hr.shape[:2]) < 32:
            raise ValueError(f"ST-LPIPS needs at least 32 pixels a side. Received: {hr.shape[1]}x{hr.shape[0]}")
        both = zip(unit_features(hr), unit_features(sr), linear, strict=True)
        return float(sum(tf.reduce_mean(tf.tensordot(tf.square(a - b), weight, 1)) for a, b, weight in both))

    return stlpips


def _convolutions(weights):
    """Kernels and biases of AlexNet's five convolutions, in order."""
    names = sorted(name.removesuffix(".weight") for name in weights if name.startswith("net.") and "weight" in name)
    return [(weights[f"{name}.weight"], weights[f"{name}.bias"]) for name in names]


def _features(image, kernels):
    """The five feature maps of a batch: the outputs of the ReLUs."""
    x = tf.nn.relu(_halve(_convolve(image, kernels[0], padding=2)))
    yield x
    x = _halve(_pool(x))
    x = tf.nn.relu(_convolve(x, kernels[1], padding=2))
    yield x
    x = _halve(_pool(x))
    for kernel in kernels[2:]:
        x = tf.nn.relu(_convolve(x, kernel, padding=1))
        yield x


def _convolve(x, kernel_and_bias, padding):
    kernel, bias = kernel_and_bias
    margin = (padding, padding)
    return tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, [(0, 0), margin, margin, (0, 0)]), bias)


def _pool(x):
    return tf.nn.max_pool2d(x, 3, 1, "VALID")


def _halve(x):
    """Blurs with the kernel (1, 2, 1) / 4 in both directions and keeps every second pixel; borders are reflected."""
    x = tf.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)], "REFLECT")
    taps = tf.constant([0.25, 0.5, 0.25])
    window = tf.tile((taps[:, tf.newaxis] * taps)[..., tf.newaxis, tf.newaxis], [1, 1, x.shape[-1], 1])
    return tf.nn.depthwise_conv2d(x, window, (1, 2, 2, 1), "VALID")
