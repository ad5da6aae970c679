"""The folder in which a video is made: encoded segments, which a later run continues after."""

import contextlib
import json
import os
import pathlib
import re
import struct

from srgan_tf.errors import WorkError, first_line
from srgan_tf.files import atomic_write, lock, make_folder, remove_folder
from srgan_tf.video.encoding import Packet

_STATE = "state.json"
_HEADER = struct.Struct("<q?I")  # time stamp, key frame, bytes
_NAME = re.compile(r"(\d{8})-(\d{8})\.packets")


class Segments:
    """The segments of one video. A context manager, which holds a lock on the folder.

    Args:
        folder: path; it is created.
        state: dictionary of JSON values on which the segments depend. Segments of another state are deleted.

    Raises:
        WorkError: another process holds the lock, or the folder cannot be written.
    """

    def __init__(self, folder, state):
        self._folder = pathlib.Path(folder)
        make_folder(self._folder)  # removes what a killed run left unfinished
        self._lock = os.open(self._folder, os.O_RDONLY)
        if not lock(self._lock):
            os.close(self._lock)
            raise WorkError(f"another run works on this video: it holds {str(self._folder)!r}")
        try:
            self._require_state(state)
        except BaseException:
            os.close(self._lock)
            raise

    def _require_state(self, state):
        """Deletes segments of another state."""
        file = self._folder / _STATE
        if file.is_file() and _read(file) == json.loads(json.dumps(state)):
            return
        for path in self._folder.iterdir():
            path.unlink()
        with _written(file) as opened:
            opened.write(json.dumps(state).encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._lock)

    def next_frame(self, start):
        """Index of the first frame that is in no segment, if the first segment starts with frame `start`."""
        for first, stop, _ in self._files():
            if first != start:
                break
            start = stop
        return start

    def write(self, first, stop, packets):
        """Writes the segment of the frames from index `first` to before `stop`; it appears complete.

        Raises:
            WorkError: the file cannot be written.
        """
        with _written(self._folder / f"{first:08}-{stop:08}.packets") as file:
            for packet in packets:
                file.write(_HEADER.pack(packet.stamp, packet.is_key, len(packet.data)) + packet.data)

    def stamps(self, start):
        """The time stamps of all packets in decoding order, without reading their data."""
        return [packet.stamp for packet in self.packets(start, with_data=False)]

    def packets(self, start, *, with_data=True):
        """Yields the packets of the consecutive segments from frame `start` on, in decoding order."""
        for first, stop, path in self._files():
            if first != start:
                return
            start = stop
            with open(path, "rb") as file:
                while header := file.read(_HEADER.size):
                    stamp, is_key, length = _HEADER.unpack(header)
                    if with_data:
                        yield Packet(stamp, is_key, file.read(length))
                    else:
                        file.seek(length, 1)
                        yield Packet(stamp, is_key, b"")

    def remove(self):
        """Deletes the folder."""
        remove_folder(self._folder)

    def _files(self):
        found = []
        for path in self._folder.iterdir():
            if match := _NAME.fullmatch(path.name):
                found.append((int(match[1]), int(match[2]), path))
        return sorted(found)


@contextlib.contextmanager
def _written(path):
    """Opens a file that appears complete; errors of the operating system become a `WorkError`."""
    try:
        with atomic_write(path) as unfinished, open(unfinished, "wb") as file:
            yield file
    except OSError as error:
        raise WorkError(f"cannot write {str(path)!r}: {first_line(error)}") from error


def _read(file):
    try:
        return json.loads(file.read_text())
    except ValueError:
        return None
