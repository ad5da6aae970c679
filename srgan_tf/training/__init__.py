"""Training: two phases, pretrain and gan, wired together by `srgan_tf.training.run`."""
