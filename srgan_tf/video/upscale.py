"""Upscales a video file, segment by segment."""

import os
import time

import numpy as np

from srgan_tf.errors import WorkError
from srgan_tf.files import sha256
from srgan_tf.photos.upscale import OWN, Enlargement, enlarge
from srgan_tf.video.clips import read_clip, read_frames
from srgan_tf.video.encoding import Encoder, container_for
from srgan_tf.video.joining import join, require_sound_fits
from srgan_tf.video.segments import Segments

# A segment ends after this many frames, or after so many seconds of work if it has at least the few frames below.
_MOST_FRAMES = 240
_SECONDS = 60.0
_FEW_FRAMES = 8


class _Even(Enlargement):
    """An enlargement to even sizes, as subsampled chroma needs."""

    def size(self, width, height, scale):
        return tuple(max(2, side - side % 2) for side in super().size(width, height, scale))


def upscale_clip(
    upscaler,
    source,
    target,
    *,
    tile=None,
    enlargement=OWN,
    codec="h264",
    crf=None,
    frames=None,
    settings=None,
    progress=lambda done, count: None,
):
    """Upscales a video file.

    Times of frames, rotation, colour tags and 10 bits are kept; audio, subtitles and chapters are copied. What is done
    is kept in the folder `.NAME.parts` beside the target: the same call continues after the last complete segment.

    Args:
        upscaler: an `Upscaler` of whole images.
        source: path of the clip.
        target: path of the result; its suffix may be replaced, see `container_for`.
        tile: see `TiledUpscaler`.
        enlargement: the size of the frames; odd sizes are reduced by one pixel.
        codec: a key of `encoding.CODECS`.
        crf: quality of the codec; None for its default.
        frames: (first, last) index of a part of the clip, counted from 0; None for all.
        settings: JSON value, what else the result depends on, such as the model; a run with other settings starts
            anew.
        progress: called with the number of finished frames of this clip, fractions included, and their estimated
            number, None if unknown.

    Returns:
        (path of the result, its `Clip`, (width, height), number of frames, notes).

    Raises:
        WorkError: the clip cannot be read, or the result cannot be written.
        UserError: the encoder refuses the size or the quality.
    """
    clip = read_clip(source)
    suffix, format_name = container_for(target.suffix, codec)
    require_sound_fits(format_name, source)
    target = target.with_suffix(suffix)
    start, stop = (frames[0], frames[1] + 1) if frames else (0, None)
    even = _Even(*enlargement)
    size = even.size(clip.width, clip.height, upscaler.scale)
    header = Encoder(clip, *size, codec, crf).header
    state = {
        "source": [os.path.getsize(source), sha256(source)],
        "settings": [settings, codec, crf, frames and list(frames), list(size), upscaler.name, tile],
        "header": header.hex(),
    }
    count = clip.count if stop is None else stop - start if clip.count is None else min(stop, clip.count) - start
    with Segments(target.with_name(f".{target.name}.parts"), state) as segments:
        done = segments.next_frame(start)
        progress(done - start, count)
        done = _encode_rest(
            upscaler,
            read_frames(source, clip, done, stop),
            segments,
            done,
            lambda: Encoder(clip, *size, codec, crf),
            {"tile": tile, "enlargement": even},
            lambda frame: progress(frame - start, count),
        )
        if done == start:
            raise WorkError(f"cannot upscale the video {str(source)!r}: it has no frame from number {start} on")
        notes = join(
            target,
            format_name,
            source,
            clip,
            segments,
            start=start,
            size=size,
            codec=codec,
            crf=crf,
            cut=frames is not None,
        )
        segments.remove()
    return target, clip, size, done - start, notes


def _encode_rest(upscaler, frames, segments, done, new_encoder, options, report):
    """Upscales and encodes frames into segments; returns the index after the last one."""
    encoder, packets, first, began = None, [], done, 0.0
    for stamp, photo in frames:
        if encoder is None:
            encoder, packets, first, began = new_encoder(), [], done, time.monotonic()
        result = enlarge(upscaler, photo, progress=lambda share, done=done: report(done + share), **options)
        packets += encoder.encode(stamp, np.concatenate(list(result.stripes)))
        done += 1
        report(done)
        frames_here = done - first
        if frames_here >= _MOST_FRAMES or (frames_here >= _FEW_FRAMES and time.monotonic() - began > _SECONDS):
            segments.write(first, done, packets + encoder.finish())
            encoder = None
    if encoder is not None:
        segments.write(first, done, packets + encoder.finish())
    return done
