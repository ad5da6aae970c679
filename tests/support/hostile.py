"""Hostile image and model files, made from a seed."""

import io
import json
import struct
import zipfile
import zlib

import keras
import numpy as np
import tifffile
from PIL import Image

SUFFIXES = (".png", ".jpg", ".webp", ".tif", ".bmp", ".gif")
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".bmp": "BMP", ".gif": "GIF"}


def chunk(kind, data):
    """A PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *more, data=None, bits=8, colour=0):
    """A PNG of zeros, gray of 8 bits by default, with more chunks before its pixels."""
    data = zlib.compress(bytes((width + 1) * height)) if data is None else data
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join([chunk(b"IHDR", header), *more, chunk(b"IDAT", data), chunk(b"IEND", b"")])


def jpeg_of_scans(number):
    """A progressive JPEG, 16x16, with its last scan repeated until it has `number` scans."""
    file = io.BytesIO()
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(picture).save(file, "JPEG", progressive=True)
    encoded = file.getvalue()
    starts = [place for place in range(len(encoded)) if encoded[place : place + 2] == b"\xff\xda"]
    body, last = encoded[: starts[-1]], encoded[starts[-1] : -2]
    # A scan that refines a coefficient twice is an error to libjpeg only in strict mode.
    return body + last * (number - len(starts) + 1) + b"\xff\xd9"


def _encode(rng, suffix, mode="RGB", **options):
    height, width = (int(side) for side in rng.integers(1, 24, 2))
    channels = {"L": 1, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    values = rng.integers(0, 256, (height, width, channels), np.uint8)
    file = io.BytesIO()
    Image.fromarray(values[..., 0] if channels == 1 else values, mode).save(file, _FORMATS[suffix], **options)
    return file.getvalue()


def _suffix(rng):
    return SUFFIXES[rng.integers(len(SUFFIXES))]


def _valid(rng):
    suffix = _suffix(rng)
    return _encode(rng, suffix), suffix


def _truncated(rng):
    content, suffix = _valid(rng)
    return content[: rng.integers(len(content))], suffix


def _flipped(rng):
    content, suffix = _valid(rng)
    damaged = bytearray(content)
    for place in rng.integers(len(damaged), size=rng.integers(1, 9)):
        damaged[place] ^= 1 << rng.integers(8)
    return bytes(damaged), suffix


def _overwritten(rng):
    content, suffix = _valid(rng)
    damaged = bytearray(content)
    start = rng.integers(len(damaged))
    noise = rng.bytes(int(rng.integers(1, 40)))
    damaged[start : start + len(noise)] = noise
    return bytes(damaged), suffix


def _wrong_size(rng):
    width, height = (int(size) for size in rng.choice([0, 1, 7, 9, 100, 20_000, 2**31 - 1, 2**32 - 1], 2))
    return png(width, height, data=zlib.compress(bytes(72))), ".png"


def _huge(rng):
    side = int(rng.choice([17_000, 30_000, 65_500]))
    return png(side, side, data=zlib.compress(bytes(1 << 20), 9)), ".png"


def _wrong_checksum(rng):
    content = bytearray(png(8, 8))
    content[rng.choice([29, 30, len(content) - 13])] ^= 255
    return bytes(content), ".png"


def _nothing(rng):
    return bytes(int(rng.choice([0, 1, 8, 4096]))), _suffix(rng)


def _noise(rng):
    return rng.bytes(int(rng.integers(1, 2000))), _suffix(rng)


def _wrong_suffix(rng):
    return _valid(rng)[0], _suffix(rng)


def _other_kind(rng):
    contents = (
        b"plain text",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 30\nshowpage\n",
        b"%PDF-1.7\n",
        b"\0\0\0\x18ftypheic" + bytes(30),
        b"\xff\x0a" + bytes(30),
    )
    return contents[rng.integers(len(contents))], _suffix(rng)


def _animated(rng):
    frames = [Image.fromarray(rng.integers(0, 256, (9, 7, 3), np.uint8)) for _ in range(3)]
    file, suffix = io.BytesIO(), str(rng.choice([".png", ".gif", ".webp", ".tif"]))
    frames[0].save(file, _FORMATS[suffix], save_all=True, append_images=frames[1:])
    return file.getvalue(), suffix


def _cmyk(rng):
    suffix = str(rng.choice([".jpg", ".tif"]))
    return _encode(rng, suffix, "CMYK"), suffix


def _deep(rng):
    file = io.BytesIO()
    kind = rng.choice([np.uint16, np.float32, np.int32, np.uint32, np.float64])
    channels = int(rng.choice([1, 3, 4]))
    values = (rng.random((5, 6, channels)) * 1e4).astype(kind)
    tifffile.imwrite(
        file, values if channels > 1 else values[..., 0], photometric="rgb" if channels > 2 else "minisblack"
    )
    return file.getvalue(), ".tif"


def _deep_png(rng):
    colour = int(rng.choice([0, 2, 4, 6]))
    row = 1 + 2 * 8 * {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    return png(8, 8, data=zlib.compress(bytes(row * 8)), bits=16, colour=colour), ".png"


def _profile_bomb(rng):
    return png(8, 8, chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(30 << 20), 9))), ".png"


def _text_bomb(rng):
    text = chunk(b"zTXt", b"C\0\0" + zlib.compress(b"A" * 2_000_000, 9))
    return png(8, 8, *[text] * int(rng.integers(1, 60))), ".png"


def _many_scans(rng):
    return jpeg_of_scans(int(rng.choice([9, 300, 3000]))), ".jpg"


def _tags(rng):
    exif = Image.Exif()
    for tag in rng.integers(1, 65_536, 5):
        exif[int(tag)] = rng.bytes(20)
    exif[0x0112] = int(rng.choice([0, 3, 6, 9, 65_535]))  # Orientation
    return _encode(rng, ".jpg", exif=exif, dpi=(0, 10**6)), ".jpg"


KINDS = (
    *(_valid, _truncated, _flipped, _overwritten, _wrong_size, _huge, _wrong_checksum, _nothing, _noise, _wrong_suffix),
    *(_other_kind, _animated, _cmyk, _deep, _deep_png, _profile_bomb, _text_bomb, _many_scans, _tags),
)


def hostile_picture(seed):
    """The content of a file and a suffix; consecutive seeds give all `KINDS`."""
    return KINDS[seed % len(KINDS)](np.random.default_rng(seed))


def write_hostile_pictures(folder, seeds):
    """Writes a file for each seed, and a valid picture `good.png`; returns the number of files."""
    folder.mkdir(parents=True)
    for seed in seeds:
        content, suffix = hostile_picture(seed)
        (folder / f"{seed:06}{KINDS[seed % len(KINDS)].__name__}{suffix}").write_bytes(content)
    Image.new("RGB", (20, 20), "red").save(folder / "good.png")
    return len(seeds) + 1


def hostile_models(folder, generator):
    """Writes damaged and foreign `.keras` files made from a generator; returns their paths."""
    folder.mkdir(parents=True)
    good = folder / "good.keras"
    generator.save(good)
    content = good.read_bytes()
    lr = keras.Input((None, None, 3))
    keras.Model(lr, keras.layers.Lambda(lambda x: x)(lr)).save(folder / "lambda.keras")
    for name, weight in (("nan", np.nan), ("infinite", np.inf)):
        spoilt = keras.models.clone_model(generator)
        spoilt.set_weights([np.full_like(each, weight) for each in generator.get_weights()])
        spoilt.save(folder / f"{name}.keras")
    (folder / "empty.keras").write_bytes(b"")
    (folder / "text.keras").write_bytes(b"text")
    for part in (0.3, 0.6, 0.95):
        (folder / f"truncated{part}.keras").write_bytes(content[: int(part * len(content))])
    for name, change in {
        "unknown_class": lambda config: config | {"class_name": "NoSuchModel"},
        "other_class": lambda config: config | {"class_name": "Popen", "module": "subprocess"},
        "system": lambda config: config | {"class_name": "system", "module": "os", "registered_name": "system"},
        "no_config": lambda config: {},
        "list": lambda config: [],
    }.items():
        with zipfile.ZipFile(good) as source, zipfile.ZipFile(folder / f"{name}.keras", "w") as target:
            for member in source.namelist():
                data = source.read(member)
                if member == "config.json":
                    data = json.dumps(change(json.loads(data))).encode()
                target.writestr(member, data)
    good.unlink()
    return sorted(folder.iterdir())
