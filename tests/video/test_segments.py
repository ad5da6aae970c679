"""The folder of encoded segments."""

import pytest

from srgan_tf.errors import WorkError
from srgan_tf.video.encoding import Packet
from srgan_tf.video.segments import Segments


def packets(*stamps):
    return [Packet(stamp, stamp % 2 == 0, bytes([stamp]) * stamp) for stamp in stamps]


def test_packets_are_read_in_the_order_of_their_segments(tmp_path):
    with Segments(tmp_path / "parts", {"a": [1, None]}) as segments:
        segments.write(5, 7, packets(8, 6))
        segments.write(0, 3, packets(0, 4, 2))
        segments.write(3, 5, packets(5, 7))
        segments.write(9, 10, packets(9))
        assert segments.next_frame(0) == 7  # frames 7 and 8 are missing
        assert segments.next_frame(1) == 1
        assert [*segments.packets(0)] == packets(0, 4, 2, 5, 7, 8, 6)
        assert segments.stamps(0) == [0, 4, 2, 5, 7, 8, 6]
    with Segments(tmp_path / "parts", {"a": (1, None)}) as segments:  # equal as JSON
        assert segments.next_frame(0) == 7
        segments.remove()
    assert list(tmp_path.iterdir()) == []


def test_segments_of_another_state_are_deleted(tmp_path):
    with Segments(tmp_path, {"crf": 17}) as segments:
        segments.write(0, 3, packets(1, 2, 3))
    with Segments(tmp_path, {"crf": 18}) as segments:
        assert segments.next_frame(0) == 0
    (tmp_path / "state.json").write_text("{")
    with Segments(tmp_path, {"crf": 18}) as segments:
        assert segments.next_frame(0) == 0


def test_a_second_run_is_refused(tmp_path):
    with Segments(tmp_path, {}), pytest.raises(WorkError, match="another run works on this video"):
        Segments(tmp_path, {})
    with Segments(tmp_path, {}):
        pass
