"""Encoded pictures inside a graph: their size is read from the header, so that nothing huge is ever decoded."""

import tensorflow as tf

_HEADER = 30  # bytes: as far as the size reaches in the formats below, but for JPEG, whose header TensorFlow reads


def decode_picture(encoded, max_pixels):
    """Decodes a PNG, JPEG or WebP picture of at most `max_pixels`, in a graph or out of it.

    Args:
        encoded: string scalar.
        max_pixels: the largest height x width.

    Returns:
        uint8 [height, width, 3]. Grayscale is repeated over the channels, transparency ignored (a WebP must have
        none), of 16 bits the upper 8 are kept, an EXIF orientation is not applied.

    Raises:
        InvalidArgumentError: another format, a damaged picture, or a larger one.
    """
    size = picture_size(encoded)
    known = tf.debugging.Assert(tf.reduce_all(size > 0), ["neither a PNG nor a JPEG nor a WebP picture"])
    message = "the picture has {} x {} pixels (height x width) and the limit is {}: send it in tiles"
    small = tf.debugging.Assert(
        tf.reduce_prod(size) <= max_pixels, [tf.strings.format(message, (size[0], size[1], max_pixels))]
    )
    with tf.control_dependencies([known, small]):  # decoding has no side effect and would begin before the checks
        encoded = tf.identity(encoded)
    picture = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    picture.set_shape((None, None, 3))
    return picture


def picture_size(encoded):
    """Height and width that the header of a picture states.

    Args:
        encoded: string scalar.

    Returns:
        int64 tensor [2]; zeros where the bytes are neither PNG nor JPEG nor WebP.

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
        (starts(0, b"\x89PNG\r\n\x1a\n"), lambda: tf.stack([big_endian(20, 4), big_endian(16, 4)])),
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
