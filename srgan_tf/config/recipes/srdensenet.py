"""SRDenseNet, the dense network before RRDBNet."""

from dataclasses import replace

from srgan_tf.config.recipes.msrgan import MODERN_GAN
from srgan_tf.config.schema import Config
from srgan_tf.config.sections import Data, LearningRate, Pretrain


def srdensenet_x4():
    """SRDenseNet with all skip connections (Tong et al. 2017): 8 dense blocks of 8 convolutions, growth rate 16.

    Pretraining: MSE, 1M steps at 1e-4, a tenth of it after half of them, HR 96, batch 32. GAN: the weights of
    `msrgan_x4`, which the paper does not have, with SRGAN's discriminator.

    Deviations: RGB instead of luma; pixel shuffles instead of transposed convolutions (see `srdensenet`); patches of 96
    instead of 100 pixels; the paper counts 60 epochs of 50,000 images of ImageNet, which are not included. The last
    convolution starts at a tenth of He initialization.
    """
    return Config(
        preset="srdensenet_x4",
        generator={"name": "srdensenet"},
        data=Data(hr_patch_size=96, batch_size=32),
        pretrain=Pretrain(loss="mse", learning_rate=LearningRate(decay="step", milestones=(0.5,), factor=0.1)),
        gan=replace(MODERN_GAN, steps=200_000),
    )
