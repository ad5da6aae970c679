"""Joins the encoded segments, and the sound and subtitles of the clip, into one video file."""

import bisect
import contextlib
import heapq
import io

from srgan_tf.errors import WorkError, first_line
from srgan_tf.files import atomic_write
from srgan_tf.video.clips import open_clip, require_av
from srgan_tf.video.encoding import CODECS, set_up

_COPIED = ("audio", "subtitle")
_SUBTITLES = {"mp4": ("mov_text",), "mov": ("mov_text",), "webm": ("webvtt",)}  # other containers take all


def decoding_stamps(stamps):
    """Decoding time stamps for frames that are encoded out of order.

    Args:
        stamps: the presentation time stamps, in decoding order, each once.

    Returns:
        List of increasing integers, none above its presentation time stamp.

    >>> decoding_stamps([0, 4, 2, 6])
    [-2, 0, 2, 4]
    """
    ordered = sorted(stamps)
    delay = max((index - bisect.bisect_left(ordered, stamp) for index, stamp in enumerate(stamps)), default=0)
    gap = ordered[1] - ordered[0] if len(ordered) > 1 else 1
    return [ordered[0] - gap * (delay - index) for index in range(delay)] + ordered[: len(ordered) - delay]


def join(target, format_name, source, clip, segments, *, start, size, codec, crf, cut):
    """Writes the video file; it appears complete.

    Args:
        target: path.
        format_name: FFmpeg's name of the container.
        source: path of the clip, whose audio, subtitles, chapters and metadata are copied.
        clip: its `Clip`.
        segments: a `Segments`.
        start: index of the first frame.
        size: (width, height) of the frames.
        codec: a key of `CODECS`.
        crf: see `set_up`.
        cut: whether only a part of the clip is in the segments: it starts at time 0, with the sound of that time.

    Returns:
        Notes about what was left out.

    Raises:
        WorkError: the file cannot be written, or the clip cannot be read.
    """
    av = require_av()
    stamps = segments.stamps(start)
    decoding = decoding_stamps(stamps)
    first = min(stamps)
    span = (first * clip.time_base, max(stamps) * clip.time_base + 1 / clip.rate) if cut else None
    with open_clip(source) as container, _writing(target) as unfinished:
        options = {"movflags": "+faststart"} if format_name in ("mp4", "mov") else {}
        with av.open(str(unfinished), "w", format=format_name, options=options) as output:
            output.metadata.update(container.metadata)
            video = _video_stream(output, container, clip, size, codec, crf)
            copied, notes = _copied_streams(output, container, format_name)
            if not cut:
                output.set_chapters(container.chapters())
            offset = first if cut else 0
            pictures = _pictures(segments.packets(start), decoding, offset, video, clip)
            for _, _, packet in heapq.merge(pictures, _sound(container, copied, span), key=lambda each: each[:2]):
                output.mux(packet)
    return notes


def require_sound_fits(format_name, source):
    """Refuses a clip whose sound cannot be stored in the container of the result.

    Args:
        format_name: FFmpeg's name of the container.
        source: path of the clip.

    Raises:
        WorkError: the sound does not fit, or the clip cannot be read.
    """
    av = require_av()
    with open_clip(source) as container, av.open(io.BytesIO(), "w", format=format_name) as output:
        for stream in container.streams.audio:
            if stream.codec_context.name not in output.supported_codecs:
                raise WorkError(
                    f"the {stream.codec_context.name} sound of {str(source)!r} does not fit the format {format_name}: "
                    "give --output a file that ends in .mkv"
                )


@contextlib.contextmanager
def _writing(target):
    """Yields the path of an unfinished file; errors of the block are those of writing it."""
    try:
        with atomic_write(target) as unfinished:
            yield unfinished
    except (require_av().FFmpegError, OSError, ValueError) as error:
        raise WorkError(f"cannot write {str(target)!r}: {first_line(error)}") from error


def _video_stream(output, container, clip, size, codec, crf):
    """The stream of the result. Its encoder is set up as that of the segments, for the header, and encodes nothing."""
    stream = output.add_stream(CODECS[codec].encoder, clip.rate)
    set_up(stream.codec_context, clip, *size, codec, crf)
    if clip.display_matrix:
        stream.set_display_matrix(clip.display_matrix)
    stream.metadata.update(_describing(container.streams.video[0].metadata))
    return stream


def _describing(metadata):
    return {key: value for key, value in metadata.items() if key.lower() in ("language", "title", "handler_name")}


def _copied_streams(output, container, format_name):
    """({index of a copied stream: its copy}, notes about the others)."""
    copied, left_out = {}, []
    for stream in container.streams:
        if stream.type not in _COPIED:
            continue
        name = stream.codec_context.name if stream.codec_context else "unknown"
        if stream.type == "subtitle" and name not in _SUBTITLES.get(format_name, (name,)):
            left_out.append(f"its {name} subtitles do not fit the format {format_name} and are left out")
            continue
        if format_name == "matroska" and name == "mov_text":
            left_out.append("its mov_text subtitles do not fit the format matroska and are left out")
            continue
        copy = output.add_stream_from_template(stream)
        copy.metadata.update(_describing(stream.metadata))
        copy.disposition = stream.disposition
        copied[stream.index] = copy
    return copied, left_out


def _pictures(packets, decoding, offset, stream, clip):
    """Yields (seconds, order, packet of the output) of the video."""
    av = require_av()
    for packet, stamp in zip(packets, decoding, strict=True):
        encoded = av.Packet(packet.data)
        encoded.stream = stream
        encoded.time_base = clip.time_base
        encoded.pts, encoded.dts = packet.stamp - offset, stamp - offset
        encoded.is_keyframe = packet.is_key
        yield float((stamp - offset) * clip.time_base), 0, encoded


def _sound(container, copied, span):
    """Yields (seconds, order, packet of the output) of the copied streams; with a span of seconds only those in it."""
    if not copied:
        return
    for packet in _demuxed(container, [container.streams[index] for index in copied]):
        if packet.pts is None:  # the end of a stream
            continue
        if packet.dts is None:  # sound is not reordered
            packet.dts = packet.pts
        base = packet.time_base
        if span is not None:
            if not span[0] <= packet.pts * base < span[1]:
                continue
            shift = round(span[0] / base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        seconds = float(packet.dts * base)
        packet.stream = copied[packet.stream_index]
        yield seconds, 1, packet


def _demuxed(container, streams):
    try:
        yield from container.demux(streams)
    except require_av().FFmpegError as error:
        raise WorkError(f"cannot read the video {container.name!r}: {first_line(error)}") from error
