"""Networks: functional Keras models. They know nothing of data, losses or settings.

A saved `.keras` generator loads without the training code: all it may need of this package is `srgan_tf.models.layers`.
"""
