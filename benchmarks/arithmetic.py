"""How much a network computes."""


def forward_flops(network, image):
    """FLOPs of a forward pass, two for a multiply-add, as TensorFlow counts those of its operations.

    It counts no einsum: the products of queries, keys and values in window attention are left out.
    """
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # the profiler itself uses what TensorFlow calls outdated
    profiler = tf.compat.v1.profiler
    forward = tf.function(lambda image: network(image, training=False)).get_concrete_function(image)
    options = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation())
    return profiler.profile(forward.graph, options=options.with_empty_output().build()).total_float_ops
