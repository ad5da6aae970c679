"""HEIC and JPEG XL, which Pillow reads and writes with plugins; the extra [formats]."""

import importlib
import importlib.util
import itertools

from srgan_tf.errors import missing_extra

_MODULES = {"HEIF": "pillow_heif", "JXL": "pillow_jxl"}
_TITLES = {"HEIF": "HEIC", "JXL": "JPEG XL"}
_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_JXL_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_JXL_CODESTREAM = b"\xff\x0a"
# ISO/IEC 18181-1, SizeHeader: width / height of the ratios 1 to 7, and the bits of a side by its selector.
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_SIDE_BITS = (9, 13, 18, 30)
_MOST_BOXES = 100
_LONGEST_XMP = 16 << 20  # bytes


class TooLargeError(ValueError):
    """An image has more pixels than are allowed."""


def plugin_format(start):
    """Pillow's name of a format that needs a plugin, from the first bytes of a file; None for others."""
    if start[4:8] == b"ftyp" and start[8:12] in _BRANDS and not {b"avif", b"avis"} & {start[16:20], start[20:24]}:
        return "HEIF"
    if start.startswith((_JXL_CODESTREAM, _JXL_CONTAINER)):
        return "JXL"
    return None


def has_plugin(name):
    """Whether the plugin of "HEIF" or "JXL" is installed."""
    return importlib.util.find_spec(_MODULES[name]) is not None


def load_plugin(name):
    """Registers a format with Pillow.

    Args:
        name: "HEIF" or "JXL".

    Raises:
        UserError: the plugin is not installed.
    """
    try:
        module = importlib.import_module(_MODULES[name])
    except ImportError as error:
        raise missing_extra(f"the format {_TITLES[name]}", "formats", error) from error
    if name == "HEIF":
        module.register_heif_opener(thumbnails=False)


def prepare(stream, name, max_pixels):
    """Makes Pillow ready to open a file of a format that needs a plugin.

    Args:
        stream: binary file.
        name: "HEIF" or "JXL".
        max_pixels: larger JPEG XL files are refused, since the plugin decodes them when it opens them; None for no
            limit.

    Raises:
        UserError: the plugin is not installed.
        TooLargeError: the image is too large.
    """
    load_plugin(name)
    if name == "JXL" and max_pixels is not None:
        stream.seek(0)
        width, height = jxl_size(stream)
        if width * height > max_pixels:
            raise TooLargeError(f"its {width}x{height} pixels are more than {max_pixels / 1e6:g} million")


def jxl_size(stream):
    """Width and height of a JPEG XL file, from its header.

    Raises:
        ValueError: the header is damaged.
    """
    bits = _bits(_codestream(stream))

    def take(count):
        taken = [*itertools.islice(bits, count)]
        if len(taken) < count:
            raise ValueError("its header is damaged or cut off")
        return sum(bit << place for place, bit in enumerate(taken))

    def side(is_small):
        return 8 * (take(5) + 1) if is_small else take(_SIDE_BITS[take(2)]) + 1

    is_small = take(1)
    height = side(is_small)
    ratio = take(3)
    if not ratio:
        return side(is_small), height
    numerator, denominator = _RATIOS[ratio - 1]
    return height * numerator // denominator, height


def jxl_xmp(stream):
    """The XMP of a JPEG XL file, which its plugin does not read; None if there is none or it is compressed."""
    stream.seek(0)
    if stream.read(len(_JXL_CONTAINER)) == _JXL_CONTAINER:
        for kind, length in _boxes(stream):
            if kind == b"xml " and (length is None or length <= _LONGEST_XMP):
                return stream.read(length)
    return None


def _codestream(stream):
    """The first bytes of the codestream, after its signature."""
    start = stream.read(len(_JXL_CONTAINER))
    if start.startswith(_JXL_CODESTREAM):
        return (start + stream.read(16))[2:18]
    for kind, _ in _boxes(stream):
        if kind in (b"jxlc", b"jxlp"):
            content = stream.read(22)[4 if kind == b"jxlp" else 0 :]
            if content.startswith(_JXL_CODESTREAM):
                return content[2:]
            break
    raise ValueError("its header is damaged or cut off")


def _boxes(stream):
    """Yields kind and length of each box (ISO/IEC 14496-12), the stream at its content; None: up to the end."""
    for _ in range(_MOST_BOXES):
        header = stream.read(8)
        length, kind = int.from_bytes(header[:4], "big"), header[4:]
        used = 8
        if length == 1:
            length, used = int.from_bytes(stream.read(8), "big"), 16
        content = stream.tell()
        yield kind, None if length == 0 else max(length - used, 0)
        if length < used:
            return
        stream.seek(content + length - used)


def _bits(data):
    return itertools.chain.from_iterable(((byte >> place) & 1 for place in range(8)) for byte in data)
