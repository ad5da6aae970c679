"""The tables of `benchmarks family`."""

import json
import pathlib
import statistics

from srgan_tf.files import atomic_write
from srgan_tf.training.names import PRETRAIN

METRICS = {"psnr_y": "PSNR-Y", "ssim_y": "SSIM-Y", "psnr_lr": "LR-PSNR", "niqe": "NIQE", "stlpips": "ST-LPIPS"}


def write(folder, groups):
    """Writes table.json and table.md.

    Args:
        folder: for the two files.
        groups: list of (data, records): the pictures that score some rows, and the facts of each row. Rows of one
            preset and phase, from several seeds, become one line of table.md with means and sample standard deviations.
    """
    with atomic_write(folder / "table.json") as unfinished:
        unfinished.write_text(json.dumps(dict(groups), indent=2) + "\n")
    with atomic_write(folder / "table.md") as unfinished:
        unfinished.write_text("\n".join(table for data, records in groups for table in _tables(data, records)))


def _tables(data, records):
    lines = {}
    for facts in records:
        lines.setdefault(label(facts), []).append(facts)
    scores = [[name, len(each), *map(_scores(each), METRICS), _seconds(each)] for name, each in lines.items()]
    checks = [
        [name, *(_joined(each, fact) for fact in ("steps", "interrupted_at", "tiles_differ_by")), _megabytes(each)]
        for name, each in lines.items()
        if each[0].get("phase")
    ]
    yield f"## {pathlib.Path(data).name}\n\n{_markdown(['', 'seeds', *METRICS.values(), 'CPU seconds'], scores)}"
    yield _markdown(["", "steps", "interrupted at", "tiles differ by", "export, MB"], checks)
    for facts in records:
        if facts["failed"]:
            yield f"{facts['name']} failed: {facts['failed']}\n"


def label(facts):
    """The name of a line."""
    if "presets" not in facts:
        return facts["name"]
    names = ", ".join(f"`{name}`" for name in facts["presets"])
    return f"pretraining of {names}" if facts["phase"] == PRETRAIN else names


def _scores(rows):
    def mean_and_deviation(metric):
        values = [facts["scores"][metric] for facts in rows if facts.get("scores", {}).get(metric) is not None]
        if not values:
            return ""
        digits = 2 if metric in ("psnr_y", "psnr_lr", "niqe") else 3
        deviation = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
        return f"{statistics.mean(values):.{digits}f}{deviation}"

    return mean_and_deviation


def _seconds(rows):
    seconds = [facts["seconds"]["train"] for facts in rows if "train" in facts["seconds"]]
    return f"{statistics.mean(seconds):.0f}" if seconds else ""


def _joined(rows, fact):
    return ", ".join(dict.fromkeys(str(facts[fact]) for facts in rows if facts.get(fact) is not None))


def _megabytes(rows):
    sizes = [facts["export_bytes"] for facts in rows if "export_bytes" in facts]
    return f"{sizes[0] / 1e6:.2f}" if sizes else ""


def _markdown(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
