import csv
import io

from srgan_tf.evaluation.tables import to_csv, to_markdown


def result(model, psnr, niqe):
    """Two pictures of each data set; their scores lie around the means."""
    datasets = {
        name: {
            "images": [
                {"name": "a", "psnr_y": psnr and psnr - 1, "niqe": niqe - 1},
                {"name": "b, c", "psnr_y": psnr and psnr + 1, "niqe": niqe + 1},
            ],
            "mean": {"psnr_y": psnr, "niqe": niqe},
        }
        for name in ("Set5", "Set14")
    }
    return {"model": model, "scale": 4, "protocol": "as papers do", "datasets": datasets}


RESULTS = [result("bicubic", 28.4254, 8.46), result("small", 31.2851, 7.7089), result("equal", None, 9.0)]


def test_csv():
    rows = list(csv.DictReader(io.StringIO(to_csv(RESULTS))))
    assert len(rows) == 3 * 2 * 3
    assert rows[1] == {
        "dataset": "Set5",
        "model": "bicubic",
        "row": "picture",
        "picture": "b, c",
        "psnr_y": "29.4254",
        "niqe": "9.46",
    }
    means = {(row["dataset"], row["model"]): row["psnr_y"] for row in rows if row["row"] == "mean"}
    assert means["Set14", "small"] == "31.2851"
    assert means["Set14", "equal"] == ""


def test_markdown():
    assert to_markdown(RESULTS).splitlines()[:5] == [
        "| data | model | PSNR-Y (dB) ↑ | NIQE ↓ |",
        "|---|---|---:|---:|",
        "| Set5 (2) | bicubic | 28.43 | 8.460 |",
        "| Set5 (2) | small | 31.29 | **7.709** |",
        "| Set5 (2) | equal | **∞** | 9.000 |",
    ]
    assert to_markdown(RESULTS).splitlines()[-1] == "x4; as papers do."
    assert "**" not in to_markdown(RESULTS[:1])


def test_names_that_are_formulas_are_escaped_in_csv():
    table = to_csv([result("=1+2", 20.0, 5.0) | {"datasets": {"@a": RESULTS[0]["datasets"]["Set5"]}}])
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {(row["dataset"], row["model"], row["picture"]) for row in rows} == {
        ("'@a", "'=1+2", name) for name in ("a", "b, c", "")
    }
    assert rows[0]["psnr_y"] == "27.4254"
