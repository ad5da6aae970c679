"""Video files: times, sound and tags are kept; a killed run goes on."""

import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("av")
import av
from support.clips import (
    TIMES,
    first_frame,
    sound_of,
    subtitles_of,
    times_of,
    write_clip,
    write_subtitled_clip,
)
from support.limits import files_of_at_most
from support.waiting import wait_until

from srgan_tf.errors import UserError, WorkError
from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.photos.upscale import Enlargement
from srgan_tf.video import upscale as video
from srgan_tf.video.clips import read_clip, read_frames
from srgan_tf.video.jobs import plan_clips, split
from srgan_tf.video.joining import decoding_stamps
from srgan_tf.video.upscale import upscale_clip

BT709_FULL = (1, 1, 1, 2)


@pytest.fixture
def clip(tmp_path):
    write_clip(tmp_path / "a.mp4", rotation=90)
    return tmp_path / "a.mp4"


def upscaled(clip, name="out.mp4", **options):
    return upscale_clip(BicubicUpscaler(2), clip, clip.parent / name, **options)


def test_times_sound_rotation_and_metadata_are_kept(clip):
    target, _, size, count, notes = upscaled(clip)
    assert (target, size, count, notes) == (clip.parent / "out.mp4", (128, 96), 10, [])
    assert times_of(target) == times_of(clip)
    assert sound_of(target) == sound_of(clip) != []
    with av.open(str(target)) as container:
        assert container.metadata["title"] == "A clip"
        assert container.streams.video[0].metadata["language"] == "deu"
    assert first_frame(target).rotation == first_frame(clip).rotation == 90
    before, after = (first_frame(path).to_ndarray(format="rgb24").astype(int) for path in (clip, target))
    assert np.abs(before.repeat(2, 0).repeat(2, 1) - after).mean() < 3
    assert sorted(path.name for path in clip.parent.iterdir()) == ["a.mp4", "out.mp4"]


@pytest.mark.parametrize("codec", ["h265", "av1", "vp9"])
@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_codecs_and_containers(tmp_path, codec, container):
    write_clip(tmp_path / f"a.{container}", times=TIMES[:4])
    target, *_ = upscaled(tmp_path / f"a.{container}", f"out.{container}", codec=codec, crf=30)
    names = {"h265": "hevc", "av1": "libdav1d", "vp9": "vp9"}
    with av.open(str(target)) as opened:
        assert opened.streams.video[0].codec_context.name == names[codec]
    assert [round(1000 * second) for second in times_of(target)] == [0, 40, 80, 156]
    assert [data for _, data in sound_of(target)] == [data for _, data in sound_of(tmp_path / f"a.{container}")]


def test_subtitles_are_copied(tmp_path):
    write_subtitled_clip(tmp_path / "a.mkv", {100: "Hello", 400: "World"})
    target, *_, notes = upscaled(tmp_path / "a.mkv", "out.mkv")
    assert notes == []
    assert subtitles_of(target) == ([(100, 200, "Hello"), (400, 200, "World")], "eng")
    assert [data for _, data in sound_of(target)] == [data for _, data in sound_of(tmp_path / "a.mkv")] != []
    target, *_ = upscaled(tmp_path / "a.mkv", "part.mkv", frames=(4, 6))  # from 180 to 393 ms
    assert [text for _, _, text in subtitles_of(target)[0]] == []
    target, *_ = upscaled(tmp_path / "a.mkv", "part.mkv", frames=(6, 9))  # from 353 ms
    assert subtitles_of(target)[0] == [(47, 200, "World")]


def test_ten_bits_and_colour_tags(tmp_path):
    write_clip(tmp_path / "a.mp4", deep=True, times=TIMES[:3], colours=BT709_FULL, sound=False)
    clip = read_clip(tmp_path / "a.mp4")
    assert (clip.bits, clip.colours, clip.has_sound) == (10, BT709_FULL, False)
    _, photo = next(read_frames(tmp_path / "a.mp4", clip, 0, None))
    assert photo.colour.dtype == np.uint16
    target, *_ = upscaled(tmp_path / "a.mp4")
    frame = first_frame(target)
    assert frame.format.name == "yuv420p10le"
    assert (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range) == BT709_FULL


def test_an_unspecified_matrix_is_written_as_it_was_understood(tmp_path):
    """A player takes the matrix of a small clip for BT.601, and without a tag that of the large result for BT.709."""
    write_clip(tmp_path / "a.mp4", times=TIMES[:2], sound=False)
    assert first_frame(tmp_path / "a.mp4").colorspace == 2
    target, *_ = upscaled(tmp_path / "a.mp4", enlargement=Enlargement(16))
    assert first_frame(target).height == 768
    assert first_frame(target).colorspace == 6
    # The red bar has the same colour as in the clip.
    red = first_frame(target).reformat(format="rgb24", src_colorspace=5).to_ndarray()[300, 60]
    assert np.abs(red.astype(int) - (250, 30, 30)).max() < 12


def test_a_part_as_a_trial(clip):
    target, _, _, count, _ = upscaled(clip, frames=(3, 6))
    start = TIMES[3]
    assert count == 4
    assert times_of(target) == [Fraction(time - start, 12800) for time in TIMES[3:7]]
    first = times_of(clip)[3]
    kept = [data for second, data in sound_of(clip) if first <= second < times_of(clip)[6] + 0.0513]
    assert [data for _, data in sound_of(target)] == kept != []
    with pytest.raises(WorkError, match="no frame from number 100 on"):
        upscaled(clip, frames=(100, 101))


def test_odd_sizes_become_even(clip):
    assert upscaled(clip, enlargement=Enlargement(1.1))[2] == (70, 52)  # 70.4 and 52.8


class Failing(BicubicUpscaler):
    """Raises in the frame of a number."""

    def __init__(self, frame):
        super().__init__(2)
        self.frames, self._frame = 0, frame

    def upscale(self, lr):
        self.frames += 1
        if self.frames == self._frame:
            raise KeyboardInterrupt
        return super().upscale(lr)


def test_an_interrupted_run_goes_on_where_it_stopped(clip, monkeypatch):
    monkeypatch.setattr(video, "_MOST_FRAMES", 3)
    whole = upscaled(clip, "whole.mp4")[0]
    target = clip.parent / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        upscale_clip(Failing(8), clip, target)
    assert not target.exists()
    parts = sorted(path.name for path in (clip.parent / ".out.mp4.parts").iterdir())
    assert parts == ["00000000-00000003.packets", "00000003-00000006.packets", "state.json"]
    seen, rest = [], Failing(None)
    upscale_clip(rest, clip, target, progress=lambda done, count: seen.append((done, count)))
    assert rest.frames == 4
    assert seen[0] == (6, 10)
    assert seen[-1] == (10, 10)
    assert target.read_bytes() == whole.read_bytes()
    assert not (clip.parent / ".out.mp4.parts").exists()
    # With other settings the segments are of no use.
    with pytest.raises(KeyboardInterrupt):
        upscale_clip(Failing(8), clip, target)
    again = Failing(None)
    upscale_clip(again, clip, target, crf=30)
    assert again.frames == 10


def test_wrong_files(tmp_path, clip):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:2000])
    for name in ("empty.mp4", "text.mp4", "cut.mp4"):
        with pytest.raises(WorkError, match=rf"cannot read the video '.*{name}': "):
            upscaled(tmp_path / name)
    with pytest.raises(UserError, match="the encoder of h264 refuses"):
        upscaled(clip, enlargement=Enlargement(box=(70_000, 70_000)))
    assert not list(tmp_path.glob("out*"))


def test_clips_are_found_by_their_suffix(tmp_path):
    for name in ("a.mp4", "b.AVI", "c.png", "d.mkv"):
        (tmp_path / name).touch()
    paths = [tmp_path / name for name in ("a.mp4", "b.AVI", "c.png", "missing.mp4")]
    clips, others = split(paths)
    assert [path.name for path in clips] == ["a.mp4", "b.AVI"]
    assert [path.name for path in others] == ["c.png", "missing.mp4"]
    assert [job.target.name for job in plan_clips(clips, tmp_path / "out", "h264")] == ["a.mp4", "b.mkv"]
    with pytest.raises(UserError, match="would replace the input"):
        plan_clips(clips, tmp_path, "h264")
    (job,) = plan_clips(clips[:1], tmp_path / "big.mkv", "h264")
    assert job.target == tmp_path / "big.mkv"
    with pytest.raises(UserError, match=r"h264 video is not written as '\.png': give --output the suffix '\.mkv'"):
        plan_clips(clips[:1], tmp_path / "big.png", "h264")


@pytest.mark.parametrize("codec", ["h264", "vp9"])
def test_a_clip_in_rgb_becomes_yuv_with_a_matrix(tmp_path, codec):
    with av.open(str(tmp_path / "a.mkv"), "w") as output:
        stream = output.add_stream("libx264rgb", rate=25, options={"crf": "8"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        picture = np.full((48, 64, 3), (250, 30, 30), np.uint8)
        output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    assert first_frame(tmp_path / "a.mkv").colorspace == 0
    target, *_ = upscaled(tmp_path / "a.mkv", "out.mkv", codec=codec)
    frame = first_frame(target)
    assert frame.colorspace == 6  # BT.601
    assert np.abs(frame.reformat(format="rgb24", src_colorspace=5).to_ndarray().astype(int) - picture[0, 0]).max() < 12


def test_sound_that_does_not_fit_is_refused_before_any_work(clip, monkeypatch):
    monkeypatch.setattr(video, "_encode_rest", None)
    with pytest.raises(WorkError, match=r"the aac sound of '.*a\.mp4' does not fit the format webm: give --output a"):
        upscaled(clip, "out.webm", codec="vp9")
    assert [path.name for path in clip.parent.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(("size", "name"), [(100, r"state\.json"), (1000, r"\.packets"), (6000, r"out\.mp4")])
def test_a_full_disk_is_an_error_of_writing(clip, size, name):
    with files_of_at_most(size), pytest.raises(WorkError, match=rf"cannot write '.*{name}': .*File too large"):
        upscaled(clip, crf=35)
    assert upscaled(clip, crf=35)[3] == 10


@pytest.mark.parametrize("stamps", [[], [5], [0, 4, 2, 6], [0, 8, 4, 2, 6, 100, 10], list(range(10))])
def test_decoding_stamps_increase_and_come_before_the_frames(stamps):
    decoding = decoding_stamps(stamps)
    assert len(decoding) == len(stamps)
    assert all(first < second for first, second in itertools.pairwise(decoding))
    assert all(dts <= pts for dts, pts in zip(decoding, stamps, strict=True))


def test_the_command_line(run_script, clip):
    shutil.copy(clip, clip.parent / "b.mp4")
    (clip.parent / "c.mp4").write_text("no video")
    arguments = [
        clip,
        clip.parent / "b.mp4",
        clip.parent / "c.mp4",
        "--model",
        "bicubic",
        "--output",
        clip.parent / "o",
    ]
    code, out, err = run_script("upscale", *arguments, "--frames", "0-2", "--scale", "2")
    assert code == 1
    assert f"[1/3] {clip.parent / 'o' / 'a.mp4'}  64x48 -> 128x96  3 frames" in out
    assert "[3/3] failed: cannot read the video" in out
    assert "1 of 3 clips failed" in err
    assert len(times_of(clip.parent / "o" / "b.mp4")) == 3
    code, _, err = run_script("upscale", *arguments, "--frames", "3-2")
    assert (code, "expected FIRST-LAST" in err) == (2, True)
    code, _, err = run_script("upscale", *arguments, "--crop", "0,0,4,4")
    assert (code, "is a video file" in err) == (2, True)


@pytest.mark.slow
def test_a_killed_process_leaves_nothing_that_looks_finished(tmp_path):
    write_clip(tmp_path / "a.mp4", times=range(0, 512 * 300, 512), size=(96, 64))
    command = [sys.executable, "-m", "srgan_tf", "upscale", str(tmp_path / "a.mp4"), "--model", "compact_x4"]
    command += ["--output", str(tmp_path / "out")]
    root = pathlib.Path(video.__file__).parents[2]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL)
    parts = tmp_path / "out" / ".a.mp4.parts"
    wait_until(lambda: list(parts.glob("*.packets")), 150)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".a.mp4.parts"]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.mp4"]
    assert times_of(tmp_path / "out" / "a.mp4") == times_of(tmp_path / "a.mp4")
