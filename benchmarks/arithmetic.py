"""Arithmetic of a network."""


def forward_flops(network, image):
    """FLOPs of a forward pass by TensorFlow's profiler; a multiply-add is two.

    The profiler does not count einsum, that is the products of queries, keys and values in window attention.
    """
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # the profiler uses deprecated functions itself
    profiler = tf.compat.v1.profiler
    forward = tf.function(lambda image: network(image, training=False)).get_concrete_function(image)
    options = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation())
    return profiler.profile(forward.graph, options=options.with_empty_output().build()).total_float_ops
