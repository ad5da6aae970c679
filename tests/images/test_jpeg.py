import io

import pytest
from PIL import Image
from support.hostile import jpeg_of_scans

from srgan_tf.errors import WorkError
from srgan_tf.images.jpeg import bits_per_sample, has_many_scans
from srgan_tf.images.pictures import MAX_SCANS, read_picture


@pytest.mark.parametrize("number", [11, 100])
def test_scans_are_counted(number):
    file = io.BytesIO(jpeg_of_scans(number))
    file.seek(5)
    assert has_many_scans(file, number - 1)
    assert not has_many_scans(file, number)
    assert file.tell() == 5


def test_scans_after_the_image_and_in_segments_do_not_count():
    encoded = jpeg_of_scans(10)
    segment = b"\xff\xe1" + (2 + 40).to_bytes(2, "big") + b"\xff\xda" * 20
    assert not has_many_scans(io.BytesIO(encoded[:2] + segment + encoded[2:] + b"\xff\xda" * 50), 10)


@pytest.mark.parametrize("shift", range(4))
def test_markers_across_chunks(monkeypatch, shift):
    monkeypatch.setattr("srgan_tf.images.jpeg._CHUNK", 5 + shift)
    file = io.BytesIO(jpeg_of_scans(15))
    assert has_many_scans(file, 14)
    assert not has_many_scans(file, 15)


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff\xda", b"\xff\xd8\xff\xda\0\0" * 3])
def test_cut_off_files_end(data):
    assert not has_many_scans(io.BytesIO(data), 10)


def test_many_scans_are_refused_before_decoding():
    assert read_picture(io.BytesIO(jpeg_of_scans(MAX_SCANS))).shape == (16, 16, 3)
    with pytest.raises(WorkError, match="JPEG files of more than 256 scans are refused"):
        read_picture(io.BytesIO(jpeg_of_scans(MAX_SCANS + 1)))


def test_bits_per_sample():
    file = io.BytesIO()
    Image.new("RGB", (3, 3)).save(file, "JPEG")
    assert bits_per_sample(file.getvalue()) == 8
    assert bits_per_sample(b"\xff\xd8\xff\xc1\0\x0b\x0c") == 12
    assert bits_per_sample(b"\xff\xd8") is None
