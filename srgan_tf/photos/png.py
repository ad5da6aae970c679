"""Writes PNG files of 8 or 16 bits row by row, so that the image need not fit into memory.

Pillow needs the whole image at once and has no mode for 16-bit colour. Specification: REFERENCES.md, PNG.
"""

import itertools
import struct
import zlib

import numpy as np

from srgan_tf.images.png import SIGNATURE
from srgan_tf.photos.file_formats import PNG_LEVEL
from srgan_tf.photos.metadata import png_text

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels: gray, gray + alpha, RGB, RGBA
_BLOCK_BYTES = 1 << 20  # of the rows that are filtered at a time, which takes about 25 times as much memory


def write_png(file, stripes, *, width, height, channels, bits, metadata=None, level=PNG_LEVEL):
    """Writes a PNG from stripes of rows.

    Args:
        file: binary file, open for writing.
        stripes: iterable of uint8 or uint16 [rows, width, channels] arrays, from top to bottom, `height` rows in all.
        width: pixels.
        height: pixels.
        channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA.
        bits: 8 or 16.
        metadata: see `srgan_tf.photos.formats.Photo`.
        level: of zlib's compression, 0 (none) to 9.

    Raises:
        ValueError: the stripes do not have the image's size.
    """
    _write_start(file, width, height, channels, bits, metadata or {})
    for data in _compressed(stripes, width, height, channels, bits, level):
        _chunk(file, b"IDAT", data)
    _chunk(file, b"IEND", b"")


def write_apng(file, frames, *, count, plays, width, height, channels, bits, metadata=None, level=PNG_LEVEL):
    """Writes an animated PNG, frame by frame; programs that do not know APNG show the first frame.

    Args:
        file: binary file, open for writing.
        frames: iterable of (stripes, milliseconds), see `write_png`.
        count: number of frames.
        plays: how often the animation is played; 0: for ever.
        width: pixels.
        height: pixels.
        channels: see `write_png`.
        bits: 8 or 16.
        metadata: see `srgan_tf.photos.formats.Photo`.
        level: of zlib's compression, 0 (none) to 9.

    Raises:
        ValueError: the stripes do not have the image's size.
    """
    _write_start(file, width, height, channels, bits, metadata or {})
    _chunk(file, b"acTL", struct.pack(">II", count, plays))
    sequence = itertools.count()
    for number, (stripes, milliseconds) in enumerate(frames):
        delay = min(round(milliseconds), 65_535)
        # Each frame replaces the whole image: dispose 0 (none), blend 0 (source).
        fields = (next(sequence), width, height, 0, 0, delay, 1000, 0, 0)
        _chunk(file, b"fcTL", struct.pack(">5I2H2B", *fields))
        for data in _compressed(stripes, width, height, channels, bits, level):
            if number == 0:
                _chunk(file, b"IDAT", data)
            else:
                _chunk(file, b"fdAT", struct.pack(">I", next(sequence)) + data)
    _chunk(file, b"IEND", b"")


def _write_start(file, width, height, channels, bits, metadata):
    file.write(SIGNATURE)
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, bits, _COLOUR_TYPES[channels], 0, 0, 0))
    if "chromaticity" in metadata:  # PNG 11.3.2.1: white, red, green, blue, each x and y
        _chunk(file, b"cHRM", struct.pack(">8I", *(round(number * 100_000) for number in metadata["chromaticity"])))
    if "gamma" in metadata:
        _chunk(file, b"gAMA", struct.pack(">I", round(metadata["gamma"] * 100_000)))
    if "icc_profile" in metadata:
        _chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata["icc_profile"]))
    if "dpi" in metadata:
        _chunk(file, b"pHYs", struct.pack(">IIB", *(round(float(dpi) / 0.0254) for dpi in metadata["dpi"]), 1))
    if "exif" in metadata:
        _chunk(file, b"eXIf", metadata["exif"].removeprefix(b"Exif\0\0"))
    for kind, content in png_text(metadata):
        _chunk(file, kind, content)


def _compressed(stripes, width, height, channels, bits, level):
    """Yields the compressed pixels of an image in parts."""
    compressor = zlib.compressobj(level, strategy=zlib.Z_FILTERED)
    above = np.zeros(width * channels * bits // 8, np.uint8)
    block_rows = max(1, _BLOCK_BYTES // len(above))
    rows = 0
    for stripe in stripes:
        if stripe.shape[1:] != (width, channels) or stripe.dtype.itemsize * 8 != bits:
            raise ValueError(f"a stripe of {width} pixels, {channels} channels, {bits} bits. Received: {stripe.shape}")
        rows += len(stripe)
        for start in range(0, len(stripe), block_rows):
            block = stripe[start : start + block_rows]
            raw = block.astype(f">u{bits // 8}").reshape(len(block), -1).view(np.uint8)
            data = compressor.compress(_filtered(raw, above, channels * bits // 8))
            if data:
                yield data
            above = raw[-1]
    if rows != height:
        raise ValueError(f"{height} rows. Received: {rows}")
    yield compressor.flush()


def _chunk(file, kind, data):
    file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def _filtered(rows, above, pixel_size):
    """Filters rows: each gets the filter type, of Sub, Up and Paeth, whose sum of absolute differences is smallest.

    Args:
        rows: uint8 [rows, bytes].
        above: uint8 [bytes], the row before the first.
        pixel_size: bytes of a pixel.
    """
    up = np.concatenate([above[np.newaxis], rows[:-1]])
    left, upper_left = (np.pad(row, ((0, 0), (pixel_size, 0)))[:, :-pixel_size] for row in (rows, up))
    candidates = {1: rows - left, 2: rows - up, 4: rows - _paeth(left, up, upper_left)}  # modulo 256
    kinds = np.array(list(candidates), np.uint8)
    remainders = np.stack(list(candidates.values()))
    # Differences are modulo 256: 255 is -1.
    best = np.argmin(np.minimum(remainders, -remainders).sum(axis=2, dtype=np.uint32), axis=0)
    chosen = np.take_along_axis(remainders, best[np.newaxis, :, np.newaxis], axis=0)[0]
    return np.concatenate([kinds[best][:, np.newaxis], chosen], axis=1).tobytes()


def _paeth(left, up, upper_left):
    """Paeth predictor: the neighbour nearest to left + up - upper_left; ties in this order."""
    a, b, c = (neighbour.astype(np.int16) for neighbour in (left, up, upper_left))
    to_left, to_up, to_upper_left = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    return np.where(
        (to_left <= to_up) & (to_left <= to_upper_left), left, np.where(to_up <= to_upper_left, up, upper_left)
    )
