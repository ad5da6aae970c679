"""Reading video files: their frames as RGB arrays, and the tags that the result keeps."""

import contextlib
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from srgan_tf.errors import WorkError, first_line, missing_extra
from srgan_tf.photos.formats import Photo

SUFFIXES = {
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts"),
    *(".wmv", ".flv", ".3gp", ".ogv"),
}
_OF_RGB, _UNSPECIFIED = 0, 2  # of H.273, for primaries, transfer and matrix coefficients
_BT709, _BT601, _BT2020 = 1, 6, 9  # matrix coefficients of H.273
_HD_HEIGHT = 720  # rows from which on players take an unspecified matrix for BT.709
# H.273 matrix coefficients -> libswscale's.
_SWSCALE = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
_LIMITED, _FULL = 1, 2  # colour ranges of libavutil


class Clip(NamedTuple):
    """A video stream.

    Attributes:
        width: pixels.
        height: pixels.
        count: number of frames, estimated from the header; None if unknown.
        time_base: seconds of a tick of the time stamps.
        rate: average frames per second.
        bits: 8 or 10.
        chroma: "420", "422" or "444".
        colours: (primaries, transfer, matrix, range), numbers of H.273 and libavutil; the matrix is never unspecified.
        aspect: width / height of a pixel.
        display_matrix: nine integers, for rotated clips; None if it has none.
        has_sound: whether there are audio or subtitle streams.
    """

    width: int
    height: int
    count: int | None
    time_base: Fraction
    rate: Fraction
    bits: int
    chroma: str
    colours: tuple
    aspect: Fraction | None
    display_matrix: tuple | None
    has_sound: bool


def require_av():
    """PyAV.

    Raises:
        UserError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise missing_extra("video", "video", error) from error
    return av


@contextlib.contextmanager
def open_clip(path):
    """Opens a video file; yields PyAV's container.

    Raises:
        WorkError: it cannot be read, has no video stream, or the block raises an error of PyAV.
    """
    av = require_av()
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.video:
                raise WorkError(f"cannot read the video {str(path)!r}: it has no video stream")
            yield container
    except av.FFmpegError as error:
        raise WorkError(f"cannot read the video {str(path)!r}: {error.strerror or first_line(error)}") from error


def read_clip(path):
    """Reads the tags of a video file and its first frame.

    Raises:
        WorkError: see `open_clip`; also if no frame can be decoded.
    """
    with open_clip(path) as container:
        stream = container.streams.video[0]
        frame = next(container.decode(stream), None)
        if frame is None:
            raise WorkError(f"cannot read the video {str(path)!r}: it has no frame")
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        seconds = float(stream.duration * stream.time_base) if stream.duration else (container.duration or 0) / 1e6
        name = frame.format.name
        matrix = frame.colorspace
        if matrix in (_UNSPECIFIED, _OF_RGB):  # the result is YUV
            matrix = _BT709 if frame.height >= _HD_HEIGHT else _BT601
        return Clip(
            width=frame.width,
            height=frame.height,
            count=stream.frames or (round(seconds * rate) if seconds else None),
            time_base=stream.time_base,
            rate=Fraction(rate),
            bits=10 if max(component.bits for component in frame.format.components) > 8 else 8,
            chroma=next((chroma for chroma in ("444", "422") if chroma in name), "420"),
            colours=(frame.color_primaries, frame.color_trc, matrix, frame.color_range or _LIMITED),
            aspect=stream.sample_aspect_ratio or None,
            display_matrix=_display_matrix(frame),
            has_sound=bool(container.streams.audio or container.streams.subtitles),
        )


def _display_matrix(frame):
    data = frame.side_data.get("DISPLAYMATRIX")
    return None if data is None else tuple(map(int, np.frombuffer(data, np.int32)))


def read_frames(path, clip, start, stop):
    """Yields the frames from index `start` to before `stop` (None: to the end): (time stamp, `Photo`).

    Frames are decoded from the beginning of the file: decoding takes much less time than upscaling, and the indices are
    exact.

    Raises:
        WorkError: see `open_clip`; also if the size of the frames changes.
    """
    with open_clip(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for index, frame in enumerate(container.decode(stream)):
            if stop is not None and index >= stop:
                return
            if index < start:
                continue
            if (frame.width, frame.height) != (clip.width, clip.height):
                raise WorkError(f"cannot read the video {str(path)!r}: its size changes at frame {index}")
            stamp = index if frame.pts is None else frame.pts
            yield stamp, Photo(_to_rgb(frame, clip), None, {}, ())


def _to_rgb(frame, clip):
    return frame.reformat(
        format="rgb24" if clip.bits == 8 else "rgb48le",
        src_colorspace=_SWSCALE.get(clip.colours[2], 5),
        src_color_range=clip.colours[3],
        dst_color_range=_FULL,
        interpolation="BICUBIC",
    ).to_ndarray()


def to_frame(picture, clip, pixel_format):
    """An RGB array as a frame in the clip's colour space.

    Args:
        picture: uint8 or uint16 [height, width, 3].
        clip: a `Clip`.
        pixel_format: FFmpeg's name, such as "yuv420p".
    """
    av = require_av()
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24" if picture.dtype == np.uint8 else "rgb48le")
    primaries, transfer, matrix, colour_range = clip.colours
    frame = frame.reformat(
        format=pixel_format,
        dst_colorspace=_SWSCALE.get(matrix, 5),
        src_color_range=_FULL,
        dst_color_range=colour_range,
        interpolation="BICUBIC",
    )
    frame.colorspace, frame.color_range = matrix, colour_range
    frame.color_primaries, frame.color_trc = primaries, transfer
    return frame
