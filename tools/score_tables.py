"""Writes the score tables of README.md and docs/WEIGHTS.md from the model cards: `python -m tools.score_tables`.

A table lies between the lines `<!-- scores: NAME -->` and `<!-- end of scores -->`. The rows of others are in
tools/other_scores.json, with a source for each.
"""

import json
import pathlib
import re

from srgan_tf.files import atomic_write
from srgan_tf.weights import shipped

ROOT = pathlib.Path(__file__).parent.parent
FILES = [ROOT / "README.md", ROOT / "docs" / "WEIGHTS.md"]
OTHERS = pathlib.Path(__file__).with_name("other_scores.json")

_BENCHMARKS = ("Set5", "Set14", "BSD100")
_LEVELS = ("clean", "web", "phone", "hard")
_DIGITS = {"psnr_y": 2, "ssim_y": 3, "stlpips": 3, "niqe": 2}
# Name: data sets, metrics.
TABLES = {
    "benchmarks": (_BENCHMARKS, ("psnr_y", "stlpips")),
    "benchmarks, all metrics": (_BENCHMARKS, ("psnr_y", "ssim_y", "stlpips", "niqe")),
    "photographs": (_LEVELS, ("psnr_y", "stlpips")),
}
_PLACE = re.compile(r"(<!-- scores: (?P<name>[^>]+?) -->\n).*?(<!-- end of scores -->)", re.DOTALL)


def rows():
    """Title and scores of each row: scores are dictionaries of data sets to metrics to values."""
    others = json.loads(OTHERS.read_text())
    cards = {f"`{name}`": shipped.read_card(name)["scores"] for name in shipped.names()}
    first = {name: row for name, row in others.items() if row["first"]}
    last = {name: row for name, row in others.items() if not row["first"]}
    return {**first, **cards, **last}


def table(name):
    """A table in Markdown; rows without any of its scores are left out."""
    sets, metrics = TABLES[name]
    lines = ["| | " + " | ".join(sets) + " |", "|---" * (len(sets) + 1) + "|"]
    for title, scores in rows().items():
        cells = [_cell(scores.get(data, {}), metrics) for data in sets]
        if any(cells):
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(scores, metrics):
    return " / ".join(f"{scores[metric]:.{_DIGITS[metric]}f}" for metric in metrics if metric in scores)


def filled(text):
    """A page with its tables made anew.

    Raises:
        KeyError: a table has an unknown name.
    """
    return _PLACE.sub(lambda place: place[1] + table(place["name"]) + place[3], text)


def main():
    """Writes the pages."""
    for file in FILES:
        text = filled(file.read_text())
        with atomic_write(file) as unfinished:
            unfinished.write_text(text)


if __name__ == "__main__":
    main()
