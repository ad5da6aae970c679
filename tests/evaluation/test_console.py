from srgan_tf.evaluation.console import Console


def test_rows_are_aligned_with_the_header():
    console = Console(["bicubic", "a_model_of_long_name"], ["psnr_y", "a_long_score"], total=2)
    header = console.header()
    row, second = console.picture(
        "Set5",
        "img_001",
        {"bicubic": {"psnr_y": 28.42542, "a_long_score": 0.5}, "a_model_of_long_name": {"a": 1, "b": 2}},
    ).split("\n")
    assert row.startswith("Set5/img_001")
    assert row.index("28.4254") + len("28.4254") == header.index("psnr_y") + len("psnr_y")
    assert row.index("0.5000") + len("0.5000") == len(header) == len(second)
    assert row.endswith("   1/2, 0:00 min left")
    assert console.failure("damaged") == "left out: damaged   2/2, 0:00 min left"


def test_means_and_their_intervals():
    dataset = {
        "images": [{}] * 3,
        "mean": {"psnr_y": None, "niqe": 5.0},
        "interval": {"psnr_y": None, "niqe": [4.0, 6.5]},
        "megapixels_per_second": 1.234,
    }
    console = Console(["small"], ["psnr_y", "niqe"], total=3)
    lines = console.means([{"model": "small", "datasets": {"Set5": dataset}}]).split("\n")
    assert [line.split() for line in lines[1:]] == [
        ["Set5,", "mean", "of", "3", "small", "inf", "5.0000", "1.23", "MP/s"],
        ["from", "4.0000"],
        ["to", "6.5000"],
    ]
