"""The markers of JPEG files (ITU-T T.81, annex B)."""

import re

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_ALONE = (0x01, *range(0xD0, 0xD9))  # TEM, RST0 to RST7 and SOI have no segment
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)  # in coded data FF 00 and RSTn are not markers
_CHUNK = 1 << 16


def bits_per_sample(data):
    """Bits per sample in the frame header at the start of a file; None if there is none."""
    offset = 2
    while offset + 5 <= len(data) and data[offset] == 0xFF:
        kind = data[offset + 1]
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return data[offset + 4]
        offset += 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")
    return None


def has_many_scans(stream, most):
    """Whether the first image of a file has more than `most` scans. Thumbnails and data after the image do not count.

    Args:
        stream: open binary file; its position is kept.
        most: number of scans.
    """
    position = stream.tell()
    try:
        stream.seek(0)
        scans = 0
        while (kind := _next_marker(stream)) not in (None, _END_OF_IMAGE):
            if kind in _ALONE:
                continue
            length = int.from_bytes(stream.read(2), "big")
            stream.seek(max(length - 2, 0), 1)
            scans += kind == _START_OF_SCAN
            if scans > most:
                return True
        return False
    finally:
        stream.seek(position)


def _next_marker(stream):
    """The next marker's second byte, with the position behind it; None at the end of the file."""
    while len(data := stream.read(_CHUNK)) > 1:
        found = _MARKER.search(data)
        if found:
            stream.seek(found.end() - len(data), 1)
            return data[found.end() - 1]
        stream.seek(-1, 1)  # a marker may lie across two chunks
        if len(data) < _CHUNK:
            return None
    return None
