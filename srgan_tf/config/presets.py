"""Table of the named recipes. Each function returns a `Config`, cites its paper and lists the deviations from it."""

import difflib

from srgan_tf.config.recipes.esrgan import esrgan_light_x4, esrgan_x4, ldl_x4
from srgan_tf.config.recipes.idm import idm_tiny, idm_x4
from srgan_tf.config.recipes.msrgan import (
    channel_attention_x4,
    lsgan_x4,
    msrgan_short_x4,
    msrgan_x4,
    multiscale_attention_x4,
    ranksrgan_x4,
    self_attention_x4,
    wgan_gp_x4,
    wgan_x4,
)
from srgan_tf.config.recipes.photo import photo_faithful_x4, photo_x4, realesrgan_x4
from srgan_tf.config.recipes.small import compact_x4, continuous_x4, srgan_lite_x4, srresnet_lite_x4, tiny
from srgan_tf.config.recipes.srdensenet import srdensenet_x4
from srgan_tf.config.recipes.srgan import report_x4, srgan_x4, srgan_x8, srresnet_x4, srresnet_x8
from srgan_tf.config.recipes.wdsr import wdsr_x4
from srgan_tf.errors import UserError

PRESETS = {
    preset.__name__: preset
    for preset in (
        *(srresnet_x4, srgan_x4, report_x4, srresnet_x8, srgan_x8),
        *(msrgan_x4, msrgan_short_x4, lsgan_x4, wgan_x4, wgan_gp_x4, ranksrgan_x4),
        *(channel_attention_x4, self_attention_x4, multiscale_attention_x4),
        *(esrgan_x4, esrgan_light_x4, ldl_x4),
        *(srdensenet_x4, wdsr_x4, realesrgan_x4),
        *(photo_x4, photo_faithful_x4),
        *(idm_x4, idm_tiny),
        *(compact_x4, continuous_x4, srresnet_lite_x4, srgan_lite_x4, tiny),
    )
}


def load_preset(name):
    """The `Config` of a preset.

    Raises:
        UserError: an unknown name; the message has the nearest one.
    """
    if name not in PRESETS:
        nearest = difflib.get_close_matches(name, PRESETS, 1, 0.0)[0]
        raise UserError(f"unknown preset {name!r}; the nearest is {nearest!r}, all are {', '.join(PRESETS)}")
    return PRESETS[name]()
