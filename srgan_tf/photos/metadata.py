"""Metadata of image files: what is kept, and what is corrected for the result.

EXIF, XMP, IPTC, colour profile and resolution are kept. Orientation (which is applied to the pixels), sizes and
thumbnails describe the original file: they are corrected or left out.
"""

import math
import re
import struct

from PIL import ExifTags, Image

from srgan_tf.images import png
from srgan_tf.images.plugins import jxl_xmp

_LARGEST_DPI = 1e6  # pixels per inch; larger values are damaged metadata
# EXIF tags that are kept. Others describe the original file, not the image.
_DESCRIPTIVE = ("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "Copyright")
_KEPT = ("icc_profile", "dpi", "gamma", "chromaticity", "xmp")  # keys of Pillow's `info`
_STALE = ("ExifImageWidth", "ExifImageHeight", "MakerNote")
_IPTC_TAG = 33723  # of TIFF
_IPTC_RESOURCE = 0x0404  # of Photoshop's image resources, which JPEG stores in APP13
_IPTC_PROFILE = "Raw profile type iptc"  # text chunk of PNG, as ImageMagick and ExifTool write it
_PHOTOSHOP = b"Photoshop 3.0\0"
_LONGEST_SEGMENT = 65_533  # bytes of a JPEG segment
_THUMBNAILS = (b"<xmp:Thumbnails", b"</xmp:Thumbnails>")
# Fields of XMP that depend on the size, with the prefixes that the standard recommends.
_XMP_WIDTHS = (b"exif:PixelXDimension", b"tiff:ImageWidth")
_XMP_HEIGHTS = (b"exif:PixelYDimension", b"tiff:ImageLength")


def read_metadata(file, stream):
    """The metadata that is kept.

    Args:
        file: a `PIL.Image.Image`, opened and not yet decoded.
        stream: the binary file.

    Returns:
        (the dictionary `metadata` of a `Photo`, list of notes about what was left out).
    """
    notes = []
    metadata = {key: file.info[key] for key in _KEPT if file.info.get(key)}
    if not all(0 < resolution < _LARGEST_DPI for resolution in metadata.get("dpi", ())):  # also False for NaN
        del metadata["dpi"]
    if not all(math.isfinite(number) and 0 <= number < 1e4 for number in metadata.get("chromaticity", ())):
        del metadata["chromaticity"]
    if file.format == "PNG" and png.has_many_chunks(stream, b"cICP", 0):
        notes.append("its cICP colour space is left out")
    if file.format == "JXL" and (xmp := jxl_xmp(stream)):
        metadata["xmp"] = xmp
    if isinstance(metadata.get("xmp"), str):
        metadata["xmp"] = metadata["xmp"].encode("utf-8", "surrogateescape")
    exif = file.getexif()  # of a PNG it decodes the pixels: their errors must not be taken for damaged EXIF
    for key, read in (("exif", lambda: _descriptive(exif)), ("iptc", lambda: _read_iptc(file, stream))):
        try:
            if kept := read():
                metadata[key] = kept
        except Exception:  # tags of wrong types make Pillow raise various exceptions; the pixels are still good
            notes.append(f"its {key.upper()} is damaged and left out")
    return metadata, notes


def _descriptive(exif):
    """EXIF bytes of the tags that describe the image; None if there are none."""
    kept = Image.Exif()
    for name in _DESCRIPTIVE:
        if ExifTags.Base[name] in exif:
            kept[ExifTags.Base[name]] = exif[ExifTags.Base[name]]
    stale = {ExifTags.Base[name] for name in _STALE}
    for ifd in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        tags = {tag: value for tag, value in exif.get_ifd(ifd).items() if tag not in stale}
        if tags:
            kept.get_ifd(ifd).update(tags)
            kept[ifd] = kept.get_ifd(ifd)
    return kept.tobytes() if len(kept) else None


def _read_iptc(file, stream):
    """IPTC-IIM records of a JPEG, TIFF or PNG; None if there are none."""
    if resource := file.info.get("photoshop", {}).get(_IPTC_RESOURCE):
        return resource
    if file.format == "TIFF" and _IPTC_TAG in file.tag_v2:
        import tifffile

        stream.seek(0)  # Photoshop declares the bytes as 32-bit integers, of which Pillow reads the first only
        return bytes(tifffile.TiffFile(stream).pages[0].tags[_IPTC_TAG].value)
    if text := file.info.get(_IPTC_PROFILE):
        data = bytes.fromhex("".join(str(text).split()[2:]))  # after the name and the length
        return _resource(data) if data.startswith(b"8BIM") else data
    return None


def _resource(data):
    """The IPTC records in Photoshop's image resources."""
    place = 0
    while data[place : place + 4] == b"8BIM":
        (number,), name = struct.unpack_from(">H", data, place + 4), data[place + 6] + 1
        place += 6 + name + name % 2
        (length,) = struct.unpack_from(">I", data, place)
        if number == _IPTC_RESOURCE:
            if len(data) < place + 4 + length:
                raise ValueError("the resource is cut off")
            return data[place + 4 : place + 4 + length]
        place += 4 + length + length % 2
    return None


def corrected(metadata, width, height):
    """Metadata for a result of another size.

    Args:
        metadata: from `read_metadata`.
        width: pixels of the result.
        height: pixels of the result.

    Returns:
        Another dictionary: EXIF has the new size, if it has a section for it, and XMP has the new size, the orientation
        1 and no thumbnails.
    """
    metadata = dict(metadata)
    if "exif" in metadata:
        exif = Image.Exif()
        exif.load(metadata["exif"])
        if tags := exif.get_ifd(ExifTags.IFD.Exif):
            tags.update({ExifTags.Base.ExifImageWidth: width, ExifTags.Base.ExifImageHeight: height})
            exif[ExifTags.IFD.Exif] = tags
        if location := exif.get_ifd(ExifTags.IFD.GPSInfo):
            exif[ExifTags.IFD.GPSInfo] = location
        metadata["exif"] = exif.tobytes()
    if "xmp" in metadata:
        metadata["xmp"] = _corrected_xmp(metadata["xmp"], width, height)
    return metadata


def _corrected_xmp(xmp, width, height):
    start, end = _THUMBNAILS
    while (first := xmp.find(start)) >= 0 and (last := xmp.find(end, first)) >= 0:
        xmp = xmp[:first] + xmp[last + len(end) :]
    values = {b"tiff:Orientation": b"1"}
    values |= dict.fromkeys(_XMP_WIDTHS, str(width).encode()) | dict.fromkeys(_XMP_HEIGHTS, str(height).encode())
    for name, value in values.items():
        attribute = rb"""(\b%b\s{0,9}=\s{0,9}(["']))[^"'<>]{0,99}(?=\2)""" % name
        element = rb"(<%b(?:\s[^<>]{0,99})?>)[^<>]{0,99}(?=</%b\s{0,9}>)" % (name, name)
        for pattern in (attribute, element):
            xmp = re.sub(pattern, lambda match, value=value: match[1] + value, xmp)
    return xmp


def jpeg_iptc(iptc):
    """The APP13 segment of a JPEG; empty if the records are too long for one."""
    content = _PHOTOSHOP + _as_resource(iptc)
    if len(content) > _LONGEST_SEGMENT:
        return b""
    return b"\xff\xed" + struct.pack(">H", len(content) + 2) + content


def png_text(metadata):
    """PNG chunks for XMP and IPTC: list of (kind, content)."""
    chunks = []
    if "xmp" in metadata:
        chunks.append((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata["xmp"]))
    if "iptc" in metadata:
        data = _as_resource(metadata["iptc"])
        lines = "\n".join(data[start : start + 36].hex() for start in range(0, len(data), 36))
        chunks.append((b"tEXt", f"{_IPTC_PROFILE}\0\niptc\n{len(data):8}\n{lines}\n".encode()))
    return chunks


def tiff_tags(metadata):
    """Additional tags of a TIFF, as tifffile takes them: (code, type, count, value, whether they are written once)."""
    tags = [
        (code, 7 if code == _IPTC_TAG else 1, len(metadata[key]), metadata[key], True)
        for key, code in (("xmp", 700), ("iptc", _IPTC_TAG))
        if key in metadata
    ]
    if "exif" in metadata:
        exif = Image.Exif()
        exif.load(metadata["exif"])
        found = {ExifTags.Base[name]: exif.get(ExifTags.Base[name]) for name in _DESCRIPTIVE}
        tags += [
            (int(code), 2, 0, text, True) for code, text in found.items() if isinstance(text, str) and text.isascii()
        ]
    return tags


def _as_resource(iptc):
    return b"8BIM" + struct.pack(">HHI", _IPTC_RESOURCE, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
