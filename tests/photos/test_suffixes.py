from srgan_tf.photos import suffixes


def test_unsupported_files_are_counted(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("x.psd", "y.PSD", "sub/z.svg", "notes.txt"):
        (tmp_path / name).touch()
    assert suffixes.unsupported_files([tmp_path, tmp_path / "x.psd"]) == {".psd": 2, ".svg": 1}


def test_files_that_a_command_does_not_read_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(suffixes, "has_plugin", lambda name: True)
    for name in ("a.heic", "b.gif", "c.jfif", "d.avif", "e.cr3"):
        (tmp_path / name).touch()
    note = suffixes.skipped_note([tmp_path], (".jpg", ".jfif"))
    assert note == "note: 4 files of unsupported formats were skipped: 1 .avif, 1 .cr3, 1 .gif, 1 .heic"


def test_a_note_names_the_files_of_unsupported_formats(tmp_path, monkeypatch):
    monkeypatch.setattr(suffixes, "has_plugin", lambda name: False)
    assert suffixes.skipped_note([str(tmp_path), "synthetic"]) == ""
    for name in ("a.heic", "b.HEIC", "c.jxl", "d.png"):
        (tmp_path / name).touch()
    assert suffixes.skipped_note(
        [tmp_path]
    ) == "note: 3 files of unsupported formats were skipped: 2 .heic, 1 .jxl; " + (
        "pip install '.[formats]' in the checkout of srgan_tf adds HEIC and JPEG XL"
    )
    monkeypatch.setattr(suffixes, "has_plugin", lambda name: True)
    assert suffixes.skipped_note([tmp_path]) == ""
