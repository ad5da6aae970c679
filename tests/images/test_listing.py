import pytest

from srgan_tf.errors import UserError
from srgan_tf.images.listing import list_pictures


def test_folders_are_searched_to_their_depth(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    for name in ("z.png", "b/c/a.JPEG", ".hidden/x.png", ".y.png"):
        (tmp_path / name).touch()
    (tmp_path / "notes.txt").write_text("no picture")
    found = [str(path.relative_to(tmp_path)) for path in list_pictures(tmp_path)]
    assert found == ["b/c/a.JPEG", "z.png"]


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(UserError, match="no folder"):
        list_pictures(tmp_path / "missing")
    with pytest.raises(UserError, match="no picture in"):
        list_pictures(tmp_path)
