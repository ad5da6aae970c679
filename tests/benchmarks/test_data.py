import re
import time

import pytest

from benchmarks import data, stores


@pytest.mark.parametrize("degradation", ["bicubic", pytest.param("realistic", marks=pytest.mark.soak)])
def test_patches_a_second_of_the_pipeline(picture_folder, tmp_path, caplog, degradation):
    caplog.set_level("INFO")
    where = ["--data", str(picture_folder), "--store", "disk", "--cache", str(tmp_path / "cache")]
    what = ["--batch-size", "2", "3", "--hr-patch-size", "8", "--degradation", degradation, "--seconds", "0.05"]
    data.main(where + what)
    assert "12 pictures, 0 megapixels" in caplog.text
    rows = re.findall(r"^ +8 +([23]) +(\d+) +\d+$", "\n".join(caplog.messages), re.MULTILINE)
    assert [row[0] for row in rows] == ["2", "3"]
    assert all(int(row[1]) > 0 for row in rows)
    assert f"decoding a picture of {picture_folder} for each crop, HR only" in caplog.text


def test_data_wait_beside_a_device(picture_folder, caplog):
    caplog.set_level("INFO")
    where = ["--data", str(picture_folder), "--batch-size", "2", "--hr-patch-size", "8", "--seconds", "0.05"]
    data.main([*where, "--step-milliseconds", "5"])
    (wait,) = re.findall(r"^ +8 +2 +\d+ +\d+ +([\d.]+)%$", "\n".join(caplog.messages), re.MULTILINE)
    assert 0 < float(wait) < 100


@pytest.mark.parametrize(
    ("batch", "step", "share"),
    [
        (0.03, 0.01, 2 / 3),  # of 30 ms, the device computes for 10
        (0.002, 0.02, 2 / 202),  # it waits for the first of ten batches only
    ],
)
def test_share_of_the_time_in_which_a_device_has_no_batch(batch, step, share):
    def batches():
        while True:
            time.sleep(batch)
            yield None

    assert data.wait_share(batches(), step, 0.5) == pytest.approx(share, abs=0.05)


def test_ways_to_keep_pictures(picture_folder, caplog):
    caplog.set_level("INFO")
    stores.main(["--data", str(picture_folder), "--pictures", "3", "--hr-patch-size", "24", "--seconds", "0.02"])
    rows = re.findall(r"^(.*), (\d+) a picture +(\d+) +-?\d+$", "\n".join(caplog.messages), re.MULTILINE)
    assert len(rows) == 14
    assert all(int(crops) > 0 for _, _, crops in rows)
