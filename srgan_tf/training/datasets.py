"""Training and validation sets of a run."""

import logging

from srgan_tf.data.continuous import ContinuousPictures
from srgan_tf.data.pipeline import TrainingPictures, degrade_pairs, load_pairs
from srgan_tf.data.sources import open_source

_log = logging.getLogger(__name__)


def load_datasets(config):
    """Opens the sources that the settings name and decodes their pictures.

    Validation pictures come from `data.valid`. Without it, they come from the validation set of each training source,
    or are held out of that source. The LR pictures of a folder in `data.valid` with HR/ and LR/ are used as they are.
    Other LR pictures are made once, by the degradation of the training pictures. With
    `data.align`, the shift between LR and HR is removed.

    Args:
        config: a `Config`.

    Returns:
        `(train_pictures, valid_pairs)`: `TrainingPictures`, with `data.min_scale` `ContinuousPictures`, and a list of
        at most `data.valid_pictures` `Pair`s.
    """
    data = config.data

    def open_(name, split, count):
        source = open_source(
            name,
            split=split,
            scale=config.scale,
            synthetic_count=count,
            synthetic_size=data.synthetic_size,
            seed=config.seed,
        )
        return source.aligned() if data.align == "on" or (data.align == "auto" and source.misaligned) else source

    train = [open_(name, "train", data.synthetic_count) for name in data.train]
    if data.valid:
        valid = [open_(name, "valid", data.valid_pictures) for name in data.valid]
    else:
        valid = []
        for index, (name, source) in enumerate(zip(data.train, train, strict=True)):
            if source.has_splits:
                valid.append(open_(name, "valid", data.valid_pictures))
            else:
                train[index], held_out = hold_out(source, -(-data.valid_pictures // len(data.train)))
                valid.append(held_out)
    _log.info("reading %s", ", ".join(f"{source.name} ({len(source)} pictures)" for source in train))
    if data.min_scale:
        kind, more = ContinuousPictures, {"min_scale": data.min_scale, "contiguous": config.diffusion.steps > 0}
    else:
        kind, names = TrainingPictures, ("degradation", "clean_fraction", "patch_uses")
        more = {name: getattr(data, name) for name in names}
    train_pictures = kind.load(
        train,
        store=data.store,
        cache=data.cache,
        batch_size=data.batch_size,
        hr_patch_size=data.hr_patch_size,
        scale=config.scale,
        augment=data.augment,
        sampling=data.sampling,
        **more,
    )
    smallest = 11 + 2 * config.scale  # without its border, SSIM's window of 11 pixels must fit
    per_source = -(-data.valid_pictures // len(valid))
    chosen = [source.select(range(min(per_source, len(source)))) for source in valid]
    valid_pairs = []
    for source in chosen:
        pairs = load_pairs([source], min_hr_side=smallest, store="memory")
        if not (source.lr_is_given and data.valid):
            pairs = degrade_pairs(pairs, seed=config.seed, scale=config.scale, degradation=data.degradation)
        valid_pairs += pairs
    return train_pictures, valid_pairs[: data.valid_pictures]


def hold_out(source, count):
    """Splits a source that has no validation set: at most a tenth of it, evenly spread, is used for validation.

    Args:
        source: a `Source`.
        count: number of validation pictures wanted.

    Returns:
        `(train, valid)`, two sources. With fewer than ten pictures, the first one is in both.
    """
    total = len(source)
    count = min(count, total // 10)
    if count == 0:
        _log.warning("%s has too few pictures to hold one out: validation uses a training picture", source.name)
        return source, source.select([0])
    held_out = [position * total // count for position in range(count)]
    rest = sorted(set(range(total)) - set(held_out))
    return source.select(rest), source.select(held_out)
