"""PNG and TIFF that Pillow reduces to 8 bits or misreads."""

import numpy as np

from srgan_tf.images import png

_BITS_PER_SAMPLE, _PLANAR_CONFIGURATION, _SAMPLE_FORMAT = 258, 284, 339  # TIFF tags
_SIGNED = 2  # of the sample format
_ASSOCIATED, _UNASSOCIATED = 1, 2  # alpha of the extra samples


def is_deep(file, stream):
    """Whether the file has 16-bit colour, which Pillow would reduce to 8 bits; it keeps 16-bit gray."""
    if file.format == "PNG":
        return png.bits_per_sample(stream) == 16 and ("transparency" in file.info or not file.mode.startswith("I;16"))
    if file.format == "TIFF":
        return file.mode in ("RGB", "RGBA") and set(file.tag_v2.get(_BITS_PER_SAMPLE, ())) == {16}
    return False


def is_reduced_wrongly(file):
    """Whether Pillow's 8 bits of a file for which `is_deep` is true are wrong.

    They are if a TIFF has separate planes, and if a PNG has a transparent colour, which has 16 bits.
    """
    if file.format == "PNG":
        return "transparency" in file.info
    return file.tag_v2.get(_PLANAR_CONFIGURATION) == 2


def is_misread(file):
    """Whether Pillow reads a TIFF wrong: gray and alpha in separate planes, or signed samples of 8 bits."""
    if file.format != "TIFF":
        return False
    mixed_planes = file.mode in ("LA", "La") and file.tag_v2.get(_PLANAR_CONFIGURATION) == 2
    signed = _SIGNED in file.tag_v2.get(_SAMPLE_FORMAT, ()) and set(file.tag_v2.get(_BITS_PER_SAMPLE, ())) == {8}
    return mixed_planes or signed


def read_deep(file, stream):
    """Decodes a file for which `is_deep` is true.

    Args:
        file: `PIL.Image.Image`, not yet decoded.
        stream: the open binary file.

    Returns:
        uint16 [height, width, channels] array, without the EXIF orientation; alpha is unassociated.
    """
    stream.seek(0)
    if file.format == "PNG":
        import tensorflow as tf

        pixels = tf.io.decode_png(stream.read(), channels=0, dtype=tf.uint16).numpy()
        if pixels.shape[2] in (2, 4) or "transparency" not in file.info:
            return pixels
        invisible = np.all(pixels == file.info["transparency"], axis=2, keepdims=True)  # tRNS, which TensorFlow ignores
        return np.concatenate([pixels, np.where(invisible, 0, 65_535).astype(np.uint16)], axis=2)
    import tifffile

    page = tifffile.TiffFile(stream).pages[0]
    try:
        pixels = page.asarray()
    except ValueError as error:
        if "imagecodecs" in str(error):
            raise ValueError(
                f"TIFF of 16 bits and this compression needs `pip install imagecodecs` ({error})"
            ) from error
        raise
    if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = _without_other_samples(pixels.astype(np.uint16), page.extrasamples)
    return _unassociated(pixels) if tifffile.EXTRASAMPLE.ASSOCALPHA in page.extrasamples else pixels


def _without_other_samples(pixels, extra):
    """Removes extra samples that are not alpha. `extra` is the tag ExtraSamples; without it, sample four is alpha."""
    colours = pixels.shape[2] - len(extra)
    kept = [colours + index for index, kind in enumerate(extra) if kind in (_ASSOCIATED, _UNASSOCIATED)][:1]
    return pixels[..., [*range(colours), *kept]] if extra else pixels


def _unassociated(pixels):
    """Divides premultiplied 16-bit colours by their alpha, the last channel; invisible pixels become black."""
    result = pixels.copy()
    for row in result:  # one by one, since float64 takes four times the memory
        colour, alpha = row[:, :-1], row[:, -1:]
        divided = np.divide(colour * 65_535.0, alpha, out=np.zeros(colour.shape), where=alpha > 0)
        colour[:] = np.rint(np.minimum(divided, 65_535))
    return result
