"""PNG and TIFF that Pillow reduces to 8 bits or misreads."""

import numpy as np

_BITS_PER_SAMPLE, _PLANAR_CONFIGURATION = 258, 284  # TIFF tags


def is_deep(file, stream):
    """Whether the file has 16-bit colour, which Pillow would reduce to 8 bits; it keeps 16-bit gray."""
    if file.format == "PNG":
        return png_bits(stream) == 16 and ("transparency" in file.info or not file.mode.startswith("I;16"))
    if file.format == "TIFF":
        return file.mode in ("RGB", "RGBA") and set(file.tag_v2.get(_BITS_PER_SAMPLE, ())) == {16}
    return False


def has_deep_planes(file):
    """Whether the file is a TIFF with 16-bit colour in separate planes, which Pillow reads as if it had 8 bits."""
    return (
        file.format == "TIFF"
        and set(file.tag_v2.get(_BITS_PER_SAMPLE, ())) == {16}
        and file.tag_v2.get(_PLANAR_CONFIGURATION) == 2
    )


def has_misread_planes(file):
    """Whether the file is a TIFF of gray and alpha in separate planes, which Pillow mixes up."""
    return file.format == "TIFF" and file.mode in ("LA", "La") and file.tag_v2.get(_PLANAR_CONFIGURATION) == 2


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
    pixels = pixels.astype(np.uint16)
    return _unassociated(pixels) if tifffile.EXTRASAMPLE.ASSOCALPHA in page.extrasamples else pixels


def _unassociated(pixels):
    """Divides premultiplied 16-bit colours by their alpha, the last channel; invisible pixels become black."""
    result = pixels.copy()
    for row in result:  # one by one, since float64 takes four times the memory
        colour, alpha = row[:, :-1], row[:, -1:]
        divided = np.divide(colour * 65_535.0, alpha, out=np.zeros(colour.shape), where=alpha > 0)
        colour[:] = np.rint(np.minimum(divided, 65_535))
    return result


def png_bits(stream):
    """Bits per sample in a PNG's header; the position in the file is kept."""
    position = stream.tell()
    stream.seek(24)
    bits = stream.read(1)[0]
    stream.seek(position)
    return bits
