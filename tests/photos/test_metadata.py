"""Metadata that is kept and corrected."""

import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin
from support.photos import samples, write

from srgan_tf.photos.formats import read_photo
from srgan_tf.photos.metadata import corrected, jpeg_iptc

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
IPTC = b"\x1c\x02\x05\x00\x05title" + b"\x1c\x02\x50\x00\x02me"
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="6"
 exif:PixelXDimension = '23' dc:title="tiff:Orientation kept"><exif:PixelYDimension>19</exif:PixelYDimension>
<tiff:ImageLength >19</tiff:ImageLength>
<xmp:Thumbnails><rdf:Alt>AAAA</rdf:Alt></xmp:Thumbnails></rdf:Description></rdf:RDF></x:xmpmeta>"""
CORRECTED = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="1"
 exif:PixelXDimension = '80' dc:title="tiff:Orientation kept"><exif:PixelYDimension>60</exif:PixelYDimension>
<tiff:ImageLength >60</tiff:ImageLength>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".avif"])
def test_metadata_is_kept(tmp_path, rng, suffix):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "A. Painter"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.01
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] = 23
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAltitude] = 12.0
    Image.fromarray(samples(rng, 3)).save(tmp_path / "in.jpg", exif=exif, icc_profile=SRGB, dpi=(300, 300))
    photo = read_photo(tmp_path / "in.jpg")
    assert photo.colour.shape == (23, 19, 3)  # turned
    write(tmp_path / f"out{suffix}", photo.colour, photo.metadata)
    with Image.open(tmp_path / f"out{suffix}") as out:
        assert out.info["icc_profile"] == SRGB
        if suffix not in (".webp", ".avif"):
            assert [round(float(dpi)) for dpi in out.info["dpi"]] == [300, 300]
        kept = out.getexif()
        assert kept[ExifTags.Base.Artist] == "A. Painter"
        assert ExifTags.Base.Orientation not in kept
        if suffix == ".tif":
            return  # its tags are those of a TIFF
        sizes = {ExifTags.Base.ExifImageWidth: 19, ExifTags.Base.ExifImageHeight: 23}
        assert kept.get_ifd(ExifTags.IFD.Exif) == {ExifTags.Base.ExposureTime: 0.01, **sizes}
        assert kept.get_ifd(ExifTags.IFD.GPSInfo) == {ExifTags.GPS.GPSAltitude: 12.0}


def test_a_colour_space_that_is_not_kept_is_noted(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    at = content.index(b"IDAT") - 4
    data = b"cICP" + bytes([9, 16, 0, 1])  # BT.2020, PQ
    chunk = struct.pack(">I", 4) + data + struct.pack(">I", zlib.crc32(data))
    (tmp_path / "hdr.png").write_bytes(content[:at] + chunk + content[at:])
    assert read_photo(tmp_path / "a.png").notes == ()
    assert read_photo(tmp_path / "hdr.png").notes == ("its cICP colour space is left out",)


def test_damaged_exif_is_left_out(tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "A. Painter"
    Image.new("RGB", (5, 4)).save(tmp_path / "a.jpg", exif=exif)

    def broken(self):
        raise struct.error("required argument is not an integer")

    monkeypatch.setattr(Image.Exif, "tobytes", broken)
    photo = read_photo(tmp_path / "a.jpg")
    assert "exif" not in photo.metadata
    assert photo.notes == ("its EXIF is damaged and left out",)


def test_xmp_gets_the_new_size_and_orientation_and_no_thumbnails():
    assert corrected({"xmp": XMP}, 80, 60) == {"xmp": CORRECTED}


def test_xmp_that_is_no_xml_takes_no_time():
    hostile = [b"<xmp:Thumbnails" * 100_000, b"<tiff:Orientation " * 100_000, b"tiff:Orientation = '" * 100_000]
    for xmp in hostile:
        assert corrected({"xmp": xmp}, 80, 60)["xmp"]


def formats_with_xmp():
    yield ".jpg", {"extra": jpeg_iptc(IPTC), "xmp": XMP}
    yield ".tif", {"tiffinfo": {700: XMP, 33723: IPTC}}
    yield ".webp", {"xmp": XMP}
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    yield ".png", {"pnginfo": text}


@pytest.mark.parametrize(("suffix", "options"), [*formats_with_xmp()])
@pytest.mark.parametrize("target", [".png", ".jpg", ".tif", ".webp", ".avif"])
def test_xmp_and_iptc_go_from_format_to_format(tmp_path, rng, suffix, options, target):
    Image.fromarray(samples(rng, 3)).save(tmp_path / f"in{suffix}", **options)
    photo = read_photo(tmp_path / f"in{suffix}")
    write(tmp_path / f"out{target}", np.zeros((60, 80, 3), np.uint8), photo.metadata)
    kept = read_photo(tmp_path / f"out{target}").metadata
    assert kept["xmp"] == CORRECTED
    has_iptc = suffix in (".jpg", ".tif") and target in (".png", ".jpg", ".tif")
    assert kept.get("iptc") == (IPTC if has_iptc else None)


def test_iptc_that_a_tiff_declares_as_integers(tmp_path, rng):
    padded = IPTC + bytes(-len(IPTC) % 4)
    for order in "<>":
        import tifffile

        tag = (33723, 4, len(padded) // 4, struct.unpack(f"{order}{len(padded) // 4}I", padded), True)
        tifffile.imwrite(tmp_path / "a.tif", samples(rng, 3), photometric="rgb", extratags=[tag], byteorder=order)
        assert read_photo(tmp_path / "a.tif").metadata["iptc"] == padded


def test_iptc_of_a_png_between_other_resources(tmp_path, rng):
    def resource(number, name, content):
        named = bytes([len(name)]) + name
        named += b"\0" * (len(named) % 2)
        padding = b"\0" * (len(content) % 2)
        return b"8BIM" + struct.pack(">H", number) + named + struct.pack(">I", len(content)) + content + padding

    data = resource(0x0404 + 1, b"abc", b"x") + resource(0x0404, b"\x04\x04", IPTC) + resource(1, b"", b"yy")
    for content, kept in ((data.hex(), IPTC), ("zz", None), (data[:30].hex(), None)):
        text = PngImagePlugin.PngInfo()
        text.add_text("Raw profile type iptc", f"\niptc\n  {len(data)}\n{content}\n")
        Image.fromarray(samples(rng, 3)).save(tmp_path / "a.png", pnginfo=text)
        photo = read_photo(tmp_path / "a.png")
        assert photo.metadata.get("iptc") == kept
        assert photo.notes == (() if kept else ("its IPTC is damaged and left out",))


def test_long_records_do_not_fit_a_jpeg(tmp_path, rng):
    assert jpeg_iptc(bytes(65_500)) != b"" == jpeg_iptc(bytes(65_540))
    write(tmp_path / "a.jpg", samples(rng, 3), {"xmp": bytes(70_000), "iptc": bytes(70_000)})
    assert set(read_photo(tmp_path / "a.jpg").metadata) <= {"dpi"}
