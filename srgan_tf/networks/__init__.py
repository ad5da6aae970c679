"""Networks: functional Keras models. They do not depend on data, losses or settings.

A saved `.keras` generator loads without the training code. Of this package it needs `srgan_tf.networks.layers` alone.
"""
