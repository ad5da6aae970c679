import numpy as np
import tensorflow as tf

from srgan_tf.models.layers import BilinearUpsampling


def test_value_worked_by_hand():
    image = np.array([0.0, 1.0], np.float32).reshape(1, 1, 2, 1)
    # Centres of the new pixels lie at 0.25, 0.75, 1.25, 1.75 of the old ones, whose own are at 0.5 and 1.5.
    np.testing.assert_allclose(BilinearUpsampling(2)(image)[0, 0, :, 0], [0.0, 0.25, 0.75, 1.0])


def test_open_sizes(rng):
    layer = BilinearUpsampling(4)
    assert layer.compute_output_shape((None, None, 7, 3)) == (None, None, 28, 3)
    image = rng.random((3, 17, 23, 3), np.float32)
    in_graph = tf.function(layer, input_signature=[tf.TensorSpec([None, None, None, 3])])(image)
    np.testing.assert_array_equal(in_graph, layer(image))
