"""The flags of batch and patch size, and the settings that they give."""


def add_flags(parser):
    """Adds --batch-size and --hr-patch-size to a parser."""
    parser.add_argument("--batch-size", type=int, default=16, help="patches per step (default: %(default)s)")
    parser.add_argument("--hr-patch-size", type=int, default=96, help="pixels (default: %(default)s)")


def config_of(preset, batch_size, hr_patch_size, assignments=()):
    """The settings of a preset with these sizes and other assignments, `NAME=VALUE`."""
    from srgan_tf.config import presets
    from srgan_tf.config.overrides import with_settings

    sizes = [f"data.batch_size={batch_size}", f"data.hr_patch_size={hr_patch_size}"]
    return with_settings(presets.load_preset(preset), [*sizes, *assignments])
