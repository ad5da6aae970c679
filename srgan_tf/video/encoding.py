"""Encoding frames into packets."""

import os
from typing import NamedTuple

from srgan_tf.errors import UserError, WorkError, first_line
from srgan_tf.photos.file_formats import CONTAINERS
from srgan_tf.video.clips import require_av, to_frame


class Codec(NamedTuple):
    """A video codec: FFmpeg's name of its encoder, its default quality, its other options, and its chroma formats."""

    encoder: str
    crf: int
    options: dict
    chroma: tuple


# The qualities look alike: nearly as good as the frames before encoding.
CODECS = {
    "h264": Codec("libx264", 17, {"preset": "medium"}, ("420", "422", "444")),
    "h265": Codec("libx265", 20, {"preset": "medium", "x265-params": "log-level=error"}, ("420", "422", "444")),
    "av1": Codec("libsvtav1", 24, {"preset": "6"}, ("420",)),
    "vp9": Codec("libvpx-vp9", 24, {"b": "0", "deadline": "good", "cpu-used": "2"}, ("420", "422", "444")),
}
_EIGHT_BITS_ONLY = ("vp9",)  # as libvpx is built into PyAV
_OF_WEBM = ("av1", "vp9")


def container_for(suffix, codec):
    """(suffix, FFmpeg's format name) of the result of a clip."""
    suffix = suffix.lower()
    if suffix not in CONTAINERS or (suffix == ".webm" and codec not in _OF_WEBM):
        return ".mkv", "matroska"
    return suffix, CONTAINERS[suffix]


class Packet(NamedTuple):
    """An encoded frame: its time stamp, whether it is a key frame, and its bytes."""

    stamp: int
    is_key: bool
    data: bytes


def set_up(context, clip, width, height, codec, crf):
    """Sets the options of an encoder of PyAV; equal options give equal headers.

    Args:
        context: the `av.VideoCodecContext` of `CODECS[codec].encoder`.
        clip: the `Clip` that the frames come from.
        width: of the frames, pixels.
        height: pixels.
        codec: a key of `CODECS`.
        crf: quality; None for the codec's default.
    """
    chosen = CODECS[codec]
    chroma = clip.chroma if clip.chroma in chosen.chroma else "420"
    deep = clip.bits > 8 and codec not in _EIGHT_BITS_ONLY
    context.width, context.height, context.pix_fmt = width, height, f"yuv{chroma}p{'10le' if deep else ''}"
    context.time_base, context.framerate = clip.time_base, clip.rate
    context.color_primaries, context.color_trc, context.colorspace, context.color_range = clip.colours
    if clip.aspect:
        context.sample_aspect_ratio = clip.aspect
    context.flags |= require_av().codec.context.Flags.global_header
    context.thread_count = os.cpu_count() or 1
    context.options = {**chosen.options, "crf": str(chosen.crf if crf is None else crf)}


class Encoder:
    """Encodes the frames of one segment.

    Args:
        clip: the `Clip` that the frames come from.
        width: see `set_up`.
        height: see `set_up`.
        codec: see `set_up`.
        crf: see `set_up`.

    Raises:
        UserError: the encoder refuses the quality or the size.
    """

    def __init__(self, clip, width, height, codec, crf=None):
        av = require_av()
        self._clip = clip
        self._context = av.CodecContext.create(CODECS[codec].encoder, "w")
        try:
            set_up(self._context, clip, width, height, codec, crf)
            self._context.open()
        except (av.FFmpegError, ValueError) as error:
            raise UserError(
                f"the encoder of {codec} refuses {width}x{height} pixels or --crf {crf}: {first_line(error)}"
            ) from error

    @property
    def header(self):
        """The codec's extra data, bytes, equal for all segments."""
        return bytes(self._context.extradata or b"")

    def encode(self, stamp, picture):
        """Encodes a frame; returns the list of `Packet`s that are ready."""
        frame = to_frame(picture, self._clip, self._context.pix_fmt)
        frame.pts, frame.time_base = stamp, self._clip.time_base
        return self._packets(frame)

    def finish(self):
        """Returns the remaining `Packet`s."""
        return self._packets(None)

    def _packets(self, frame):
        av = require_av()
        try:
            return [Packet(each.pts, each.is_keyframe, bytes(each)) for each in self._context.encode(frame)]
        except av.FFmpegError as error:
            raise WorkError(f"cannot encode a frame: {first_line(error)}") from error
