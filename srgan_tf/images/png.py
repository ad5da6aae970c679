"""The header and the chunks of PNG files (ISO/IEC 15948)."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def bits_per_sample(stream):
    """Bits per sample in the header; the position in the file is kept."""
    position = stream.tell()
    stream.seek(24)
    bits = stream.read(1)[0]
    stream.seek(position)
    return bits


def has_many_chunks(stream, kind, most):
    """Whether a file has more than `most` chunks of one kind.

    Args:
        stream: open binary file; its position is kept.
        kind: four bytes, such as b"iCCP".
        most: number of chunks.
    """
    position = stream.tell()
    try:
        stream.seek(len(SIGNATURE))
        found = 0
        while len(header := stream.read(8)) == 8 and found <= most:
            found += header[4:] == kind
            stream.seek(int.from_bytes(header[:4], "big") + 4, 1)  # the data and its checksum
        return found > most
    finally:
        stream.seek(position)
