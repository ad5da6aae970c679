"""Decodes encoded images inside a graph, after checks on the header: nothing huge is ever decoded or inflated."""

import tensorflow as tf

from srgan_tf.images import png
from srgan_tf.images.pictures import MAX_SCANS

_HEADER = 30  # bytes that hold the size in the formats below, except JPEG, whose header TensorFlow parses
# Bytes of an encoded image: a 16-bit RGBA PNG without compression has 8 per pixel, and a filter byte per row.
_BYTES_PER_PIXEL = 9
_METADATA_BYTES = 1 << 20  # ICC profile, EXIF, thumbnail
# PNG 11.3.3: a zTXt chunk, and an iTXt chunk that is compressed. libpng inflates up to 8 MB of each chunk.
_COMPRESSED_TEXT = r"(?s)\C*(zTXt\C{1,79}\x00\x00|iTXt\C{1,79}\x00\x01\x00)\C*"


def decode_picture(encoded, max_pixels, *, max_side=2**31 - 1):
    """Decodes a PNG, JPEG or WebP image of at most `max_pixels`, in a graph or outside one.

    JPEGs are decoded with the accurate DCT, to the same pixels as by Pillow.

    Args:
        encoded: string scalar.
        max_pixels: the largest height x width.
        max_side: the largest height and width.

    Returns:
        uint8 [height, width, 3]. Grayscale is repeated over the channels, transparency is ignored (a WebP must not have
        any), 16-bit samples keep their upper 8 bits, an EXIF orientation is not applied.

    Raises:
        InvalidArgumentError: another format, a damaged image, one that is too large, far more bytes than the pixels in
            the header need, a PNG with compressed text chunks, or a JPEG with more than 256 scans.
    """
    size = picture_size(encoded)
    height, width = size[0], size[1]
    pixels = tf.reduce_prod(size)
    length = tf.cast(tf.strings.length(encoded), tf.int64)
    most_bytes = _BYTES_PER_PIXEL * pixels + _METADATA_BYTES
    too_large = "the image has {} x {} pixels (height x width) and the limit is {}: send it in tiles"
    too_long = "the image has {} x {} pixels (height x width) and at most {} pixels a side are served"
    too_many_bytes = (
        "the image has {} bytes and its {} x {} pixels (height x width) need at most {}: remove its metadata"
    )
    checks = [
        tf.debugging.Assert(condition, [message])
        for condition, message in (
            (tf.reduce_all(size > 0), "neither a PNG nor a JPEG nor a WebP image"),
            (pixels <= max_pixels, tf.strings.format(too_large, (height, width, max_pixels))),
            (tf.reduce_max(size) <= max_side, tf.strings.format(too_long, (height, width, max_side))),
            (length <= most_bytes, tf.strings.format(too_many_bytes, (length, height, width, most_bytes))),
        )
    ]
    with tf.control_dependencies(checks):  # decoding has no side effect and would start before the checks
        encoded = tf.identity(encoded)
    is_jpeg = tf.equal(tf.strings.substr(encoded, 0, 3), b"\xff\xd8\xff")
    picture = tf.cond(
        is_jpeg,
        lambda: _decode_jpeg(encoded),
        lambda: _decode_others(encoded),
    )
    picture.set_shape((None, None, 3))
    return picture


def _decode_jpeg(encoded):
    data = tf.io.decode_raw(encoded, tf.uint8)
    scans = tf.math.count_nonzero(tf.logical_and(data[:-1] == 0xFF, data[1:] == 0xDA))  # T.81, B.1.1.3: SOS markers
    few = tf.debugging.Assert(scans <= MAX_SCANS, [f"JPEG files of more than {MAX_SCANS} scans are refused"])
    with tf.control_dependencies([few]):
        encoded = tf.identity(encoded)
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def _decode_others(encoded):
    is_png = tf.equal(tf.strings.substr(encoded, 0, 4), b"\x89PNG")
    inflates = tf.logical_and(is_png, tf.strings.regex_full_match(encoded, _COMPRESSED_TEXT))
    plain = tf.debugging.Assert(tf.logical_not(inflates), ["PNG files with compressed text chunks are refused"])
    with tf.control_dependencies([plain]):
        encoded = tf.identity(encoded)
    return tf.io.decode_image(encoded, channels=3, expand_animations=False)


def picture_size(encoded):
    """Height and width from the header of an encoded image.

    Args:
        encoded: string scalar.

    Returns:
        int64 tensor [2]; zeros if the bytes are neither PNG nor JPEG nor WebP.

    Raises:
        InvalidArgumentError: a JPEG with a damaged header.
    """
    header = tf.io.decode_raw(tf.strings.substr(encoded, 0, _HEADER), tf.uint8)
    header = tf.cast(tf.pad(header, [[0, _HEADER - tf.size(header)]]), tf.int64)

    def starts(offset, magic):
        return tf.reduce_all(header[offset : offset + len(magic)] == list(magic))

    def little_endian(offset, length):
        return tf.reduce_sum(header[offset : offset + length] * [256**place for place in range(length)])

    def big_endian(offset, length):
        return tf.reduce_sum(header[offset : offset + length] * [256**place for place in reversed(range(length))])

    webp = tf.logical_and(starts(0, b"RIFF"), starts(8, b"WEBP"))
    low_14_bits = 2**14 - 1
    formats = [
        # Portable Network Graphics, 11.2.2: IHDR comes first.
        (starts(0, png.SIGNATURE), lambda: tf.stack([big_endian(20, 4), big_endian(16, 4)])),
        (starts(0, b"\xff\xd8\xff"), lambda: tf.cast(tf.image.extract_jpeg_shape(encoded)[:2], tf.int64)),
        # RFC 9649: lossy, lossless, extended.
        (
            tf.logical_and(webp, starts(12, b"VP8 ")),
            lambda: tf.bitwise.bitwise_and(tf.stack([little_endian(28, 2), little_endian(26, 2)]), low_14_bits),
        ),
        (
            tf.logical_and(webp, starts(12, b"VP8L")),
            lambda: 1 + tf.bitwise.bitwise_and(little_endian(21, 4) // [2**14, 1], low_14_bits),
        ),
        (
            tf.logical_and(webp, starts(12, b"VP8X")),
            lambda: 1 + tf.stack([little_endian(27, 3), little_endian(24, 3)]),
        ),
    ]
    return tf.case(formats, default=lambda: tf.zeros(2, tf.int64))
