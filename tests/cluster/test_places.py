import errno
import os
import uuid

import pytest
from PIL import Image

from srgan_tf.cluster.places import LocalFolder, RemoteFolder, open_folder
from srgan_tf.errors import UserError, WorkError
from srgan_tf.images.listing import list_pictures
from srgan_tf.images.pictures import picture_size


def folders(tmp_path):
    """A folder of each kind with the same files."""
    local = tmp_path / "in"
    for name in ("b.png", "A.PNG", "notes.txt", ".hidden.png", "sub/c.png", ".cache/d.png"):
        path = local / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (7, 5)).save(path, "PNG")
    memory = RemoteFolder(f"memory://{uuid.uuid4().hex}")
    for path in local.rglob("*.*"):
        if path.is_file():
            with memory.writing(path.relative_to(local).as_posix()) as file:
                file.write_bytes(path.read_bytes())
    return [open_folder(local), open_folder(f"file://{local}"), memory]


def test_all_kinds_of_folders_list_the_same_files(tmp_path):
    for folder in folders(tmp_path):
        found = [(place, list(names)) for place, names in folder.walk({".png"})]
        assert found == [(".", ["A.PNG", "b.png"]), ("sub", ["c.png"])], str(folder)
        assert folder.names(".") >= {"A.PNG", "b.png", "notes.txt", "sub"}
        assert folder.names("missing") == set()
        assert folder.has("sub/c.png")
        assert not folder.has("sub/b.png")


def test_a_subfolder_that_cannot_be_listed_is_an_error(tmp_path, monkeypatch):
    local, _, memory = folders(tmp_path)

    def refusing(listing):
        def listed(path, *arguments, **options):
            if str(path).endswith("/sub"):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return listing(path, *arguments, **options)

        return listed

    monkeypatch.setattr(os, "scandir", refusing(os.scandir))
    monkeypatch.setattr(memory._files, "ls", refusing(memory._files.ls))
    with pytest.raises(WorkError, match=r"cannot list .*/sub': Permission denied"):
        list(memory.walk({".png"}))
    for listing in (lambda: list(local.walk({".png"})), lambda: list_pictures(str(local))):
        with pytest.raises(UserError, match=r"cannot list the folder '.*/sub': Permission denied"):
            listing()


def test_files_are_read_and_written(tmp_path):
    for folder in folders(tmp_path):
        with folder.reading("sub/c.png") as path:
            assert picture_size(path) == (5, 7)
        assert folder.read_text("new.json") is None
        folder.write_text("new.json", "ä")
        folder.write_text("new.json", "ö")
        assert folder.read_text("new.json") == "ö"
        folder.remove("new.json")
        folder.remove("new.json")
        assert folder.read_text("new.json") is None
    assert not list(tmp_path.rglob(".unfinished*"))


def test_pixels_from_the_header_or_from_the_bytes(tmp_path):
    local, file, _ = folders(tmp_path)
    assert local.pixels("b.png", None) == 35
    assert local.pixels("notes.txt", None) == 35  # the content counts, not the name
    (tmp_path / "in" / "bad.png").write_text("no picture")
    assert local.pixels("bad.png", None) == 1
    assert file.pixels("b.png", 1000) == 2000


def test_a_block_that_writes_nothing_stores_nothing(tmp_path):
    folder = open_folder(f"file://{tmp_path}")
    with folder.writing("sub/x.png"):
        pass

    def write_half():
        with folder.writing("sub/x.png") as path:
            path.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert not folder.has("sub/x.png")


def test_a_failed_copy_leaves_nothing(tmp_path, monkeypatch):
    folder = open_folder(f"file://{tmp_path}")
    folder.write_text("x.png", "old")
    monkeypatch.setattr(type(folder._files), "mv", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(WorkError, match=r"cannot write 'file://.*x.png': No space left"):
        folder.write_text("x.png", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
    assert folder.read_text("x.png") == "old"


def test_results_in_the_input_folder_are_not_listed(tmp_path):
    local, file, _ = folders(tmp_path)
    for folder, results in (
        (local, LocalFolder(tmp_path / "in/sub")),
        (file, RemoteFolder(f"file://{tmp_path}/in/sub")),
    ):
        assert [place for place, _ in folder.walk({".png"}, without=results)] == ["."]


def test_unknown_addresses():
    with pytest.raises(UserError, match=r"cannot use the address 'nothing://x/y': Protocol not known: nothing"):
        open_folder("nothing://x/y")


def test_missing_files_are_named(tmp_path):
    folder = open_folder(f"file://{tmp_path}")
    with pytest.raises(WorkError, match=r"cannot read 'file://.*/x.png': no such file"), folder.reading("x.png"):
        pass
