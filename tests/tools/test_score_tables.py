import pytest

from tools import score_tables


@pytest.mark.parametrize("file", score_tables.FILES, ids=lambda file: file.name)
def test_the_pages_are_fresh(file):
    text = file.read_text()
    assert "<!-- scores: " in text
    assert score_tables.filled(text) == text, "run python -m tools.score_tables"


def test_a_table_worked_by_hand(monkeypatch):
    scores = {"first": {"Set5": {"psnr_y": 30.126, "stlpips": 0.1}, "BSD100": {"psnr_y": 25}}, "other": {"web": {}}}
    monkeypatch.setattr(score_tables, "rows", lambda: scores)
    expected = "| | Set5 | Set14 | BSD100 |\n|---|---|---|---|\n| first | 30.13 / 0.100 |  | 25.00 |\n"
    assert score_tables.table("benchmarks") == expected
    page = "a\n<!-- scores: benchmarks -->\nold\n<!-- end of scores -->\nb"
    assert score_tables.filled(page) == f"a\n<!-- scores: benchmarks -->\n{expected}<!-- end of scores -->\nb"


def test_every_other_row_has_a_source():
    names = score_tables.rows()
    assert next(iter(names)) == "bicubic"
    assert all(row["source"] for name, row in names.items() if not name.startswith("`"))
