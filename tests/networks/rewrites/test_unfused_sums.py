import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support.serving_v1 import ServedModel

from srgan_tf.export import module
from srgan_tf.networks.generators import srresnet
from srgan_tf.networks.rewrites.inference import optimize_for_inference
from srgan_tf.networks.rewrites.unfused_sums import without_fused_sums


def dense_block(operation):
    """A network with additions by a layer or an operation, of shortcuts from inside and from the input."""
    lr = keras.Input((None, None, 3))
    x = layers.Conv2D(3, 3, padding="same", name="first")(lr)
    x = operation([x, lr])
    y = layers.Conv2D(3, 3, padding="same", name="second")(x)
    return keras.Model(lr, operation([x, y]))


@pytest.mark.parametrize("operation", [lambda pair: layers.Add()(pair), lambda pair: pair[0] + pair[1]])
def test_the_copy_computes_the_same(rng, operation):
    network = dense_block(operation)
    copy = without_fused_sums(network)
    assert len(copy.layers) == len(network.layers) + 2
    picture = rng.random((2, 9, 11, 3), np.float32)
    np.testing.assert_array_equal(copy(picture), network(picture))


@pytest.mark.slow
def test_served_sums_are_not_fused(tmp_path, monkeypatch):
    """The optimized graph with and without the workaround: oneDNN's fused kernel is not thread-safe."""
    network = optimize_for_inference(srresnet(num_blocks=2, num_filters=16))

    def fused_sums(folder):
        metadata = tf.compat.v1.RunMetadata()
        options = tf.compat.v1.RunOptions(output_partition_graphs=True)
        lr = np.zeros((1, 64, 64, 3), np.uint8)
        ServedModel(folder)("tensor_uint8", lr=lr, options=options, run_metadata=metadata)
        nodes = [node for graph in metadata.partition_graphs for node in graph.node]
        nodes += [node for graph in metadata.partition_graphs for f in graph.library.function for node in f.node_def]
        assert [node for node in nodes if "Conv2D" in node.op]
        return sum(b"Add" in node.attr["fused_ops"].list.s for node in nodes)

    def save(folder):
        description = {"scale": 4, "receptive_field": 12, "max_pixels": 5000}
        served = module.serving_module(network, description)
        tf.saved_model.save(served, folder, signatures={"tensor_uint8": served.tensor_uint8})
        return folder

    with monkeypatch.context() as patch:
        patch.setattr(module, "without_fused_sums", lambda network: network)
        if fused_sums(save(tmp_path / "fused")) == 0:
            pytest.skip("this TensorFlow does not fuse additions: oneDNN is off or lacks the kernel")
    assert fused_sums(save(tmp_path / "separate")) == 0
