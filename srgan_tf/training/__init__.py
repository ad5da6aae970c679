"""Training: the phases pretrain, gan and diffusion, wired together by `srgan_tf.training.run`."""
