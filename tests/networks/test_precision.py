import keras
import numpy as np
import pytest

from srgan_tf.networks.generators import srresnet
from srgan_tf.networks.precision import as_float32, precision_scope


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_scope_sets_and_restores(precision):
    with precision_scope(precision):
        generator = srresnet(num_blocks=1, num_filters=4)
    assert keras.config.dtype_policy().name == "float32"
    assert generator.get_layer("block1_conv1").compute_dtype == precision
    assert {weight.dtype for weight in generator.weights} == {"float32"}
    assert generator(np.zeros((1, 5, 7, 3), np.float32)).dtype == "float32"


def test_scope_restores_after_an_error():
    with pytest.raises(RuntimeError), precision_scope("float16"):
        raise RuntimeError
    assert keras.config.dtype_policy().name == "float32"


def test_as_float32_keeps_the_function(rng):
    with precision_scope("bfloat16"):
        half = srresnet(
            num_blocks=2, num_filters=8, normalization="none", output_activation="linear", bilinear_skip=True
        )
    full = as_float32(half)
    assert {operation.compute_dtype for operation in full.layers if hasattr(operation, "compute_dtype")} == {"float32"}
    for before, after in zip(half.weights, full.weights, strict=True):
        np.testing.assert_array_equal(before.numpy(), after.numpy())
        assert before is not after
    lr = rng.random((3, 17, 23, 3), np.float32)
    deviation = np.abs(full(lr) - half(lr)).mean() / np.abs(full(lr)).mean()
    assert 0 < deviation < 0.03  # bfloat16 has 8 bits of mantissa
