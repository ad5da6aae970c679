"""Video files made with PyAV."""

from fractions import Fraction

import numpy as np

TIMES = (0, 512, 1024, 2000, 2300, 4000, 4512, 5024, 9000, 9512)  # a variable rate, ticks of 1/12800 s


def write_clip(path, *, times=TIMES, size=(64, 48), rotation=None, deep=False, sound=True, colours=None):
    """Writes an H.264 clip: gray that brightens from frame to frame, a red bar that moves, and a mono AAC track.

    Args:
        path: of the file.
        times: of the frames, ticks of 1/12800 s.
        size: (width, height), pixels.
        rotation: of the display matrix, degrees.
        deep: whether it has 10 bits.
        sound: whether there is an audio track.
        colours: (primaries, transfer, matrix, range) tags.
    """
    import av

    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=25)
        video.width, video.height = size
        video.pix_fmt = "yuv420p10le" if deep else "yuv420p"
        context = video.codec_context
        video.options = {"crf": "8"}
        context.time_base = Fraction(1, 12800)
        if colours:
            context.color_primaries, context.color_trc, context.colorspace, context.color_range = colours
        if rotation:
            video.set_display_rotation(rotation)
        audio = output.add_stream("aac", rate=44100) if sound else None
        video.metadata["language"] = "deu"
        output.metadata["title"] = "A clip"
        for number, time in enumerate(times):
            picture = np.full((size[1], size[0], 3), 40 + 15 * number % 160, np.uint8)
            picture[:, 4 * number % size[0] : 4 * number % size[0] + 8] = 250, 30, 30
            matrix = 1 if colours and colours[2] == 1 else 5
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format=video.pix_fmt, dst_colorspace=matrix)
            frame.pts, frame.time_base = time, Fraction(1, 12800)
            output.mux(video.encode(frame))
        if audio:
            rng = np.random.default_rng(0)
            for number in range(round(times[-1] / 12800 * 44100 / 1024)):
                samples = (0.1 * rng.normal(size=(1, 1024))).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 44100, 1024 * number
                output.mux(audio.encode(frame))
            output.mux(audio.encode(None))
        output.mux(video.encode(None))


def times_of(path):
    """Seconds of the frames of a clip."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [frame.pts * stream.time_base for frame in container.decode(stream)]


def sound_of(path):
    """[(seconds, bytes)] of the packets of the first audio stream of a clip."""
    import av

    with av.open(str(path)) as container:
        if not container.streams.audio:
            return []
        packets = container.demux(container.streams.audio[0])
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in packets if packet.pts is not None]


def first_frame(path):
    """The first frame of a clip, as PyAV's object."""
    import av

    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def write_subtitled_clip(path, lines):
    """Writes a Matroska clip as `write_clip`, with SubRip subtitles: {milliseconds: text}, each for 200 ms."""
    import av

    plain = path.with_name("plain.mkv")
    write_clip(plain)
    with av.open(str(plain)) as source, av.open(str(path), "w") as output:
        copies = {stream.index: output.add_stream_from_template(stream, opaque=True) for stream in source.streams}
        subtitles = output.add_mux_stream("subrip")
        subtitles.time_base = Fraction(1, 1000)
        subtitles.metadata["language"] = "eng"
        output.start_encoding()
        for packet in source.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                output.mux(packet)
        for time, text in lines.items():
            packet = av.Packet(text.encode())
            packet.stream, packet.time_base = subtitles, Fraction(1, 1000)
            packet.pts = packet.dts = time
            packet.duration = 200
            output.mux(packet)
    plain.unlink()


def subtitles_of(path):
    """[(milliseconds, duration, text)] of the first subtitle stream of a Matroska clip, and its language."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        return [(packet.pts, packet.duration, bytes(packet).decode()) for packet in packets], stream.metadata[
            "language"
        ]
