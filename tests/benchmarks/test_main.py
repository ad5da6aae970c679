import pathlib

import pytest

import benchmarks
from benchmarks import __main__ as program
from srgan_tf.errors import UserError


def test_every_module_with_a_main_is_listed():
    folder = pathlib.Path(benchmarks.__file__).parent
    modules = {path.stem for path in folder.glob("[a-z]*.py") if "\ndef main(arguments)" in path.read_text()}
    assert modules == set(program.COMMANDS)


def test_the_list_is_printed(capsys):
    program.main([])
    listing = capsys.readouterr().out
    assert all(f"\n  {name} " in listing for name in program.COMMANDS)


def test_unknown_benchmarks_and_absent_packages_are_named(monkeypatch):
    with pytest.raises(UserError, match="unknown benchmark 'tain': expected one of cluster, data, family"):
        program.main(["tain"])

    def fail(name):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(program.importlib, "import_module", fail)
    with pytest.raises(UserError, match="'torch_step' needs the package 'torch', which is not installed"):
        program.main(["torch_step"])
