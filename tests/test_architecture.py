"""The floor plan of docs/ARCHITECTURE.md, held against the imports."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("*.py"), *(ROOT / "srgan_tf").rglob("*.py")])
REPOSITORY = sorted(path.relative_to(ROOT) for name in ("benchmarks", "tools") for path in (ROOT / name).rglob("*.py"))
FILES = PACKAGE + REPOSITORY

# A file imports only from its own folder or from a folder with a lower number; folders of equal number are separate.
FLOORS = {
    "srgan_tf": 0,
    "srgan_tf.errors": 0,
    "srgan_tf.hardware": 1,
    "srgan_tf.runs": 1,
    "srgan_tf.files": 2,
    "srgan_tf.images": 3,
    "srgan_tf.weights": 3,
    "srgan_tf.losses": 4,
    "srgan_tf.metrics": 4,
    "srgan_tf.networks": 4,
    "srgan_tf.data": 4,
    "srgan_tf.inference": 5,
    "srgan_tf.config": 5,
    "srgan_tf.evaluation": 6,
    "srgan_tf.photos": 6,
    "srgan_tf.training": 7,
    "srgan_tf.export": 7,
    "srgan_tf.client": 7,
    "srgan_tf.commands": 8,
    "srgan_tf.__main__": 9,
    "train": 9,
    "evaluate": 9,
    "upscale": 9,
    "export": 9,
    "benchmarks": 10,
    "tools": 10,
}


def module_name(path):
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module):
    """The longest entry of FLOORS that the module lies in."""
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next(name for name in names if name in FLOORS)


def imports(path):
    """Modules of this project that a file imports."""
    modules = {module_name(file) for file in FILES}
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in modules:
                    yield full
                elif node.module in modules:
                    yield node.module


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_go_down(path):
    here = room(module_name(path))
    assert here != "srgan_tf" or path.name == "__init__.py", f"{path} has no place in the plan"
    if here == "srgan_tf":
        return  # the Python API: its functions import from any folder when called; test_the_package_imports_nothing
    for module in imports(path):
        there = room(module)
        assert there == here or FLOORS[there] < FLOORS[here], f"{path} imports {module}, which is not below it"


def test_the_test_would_see_an_upward_import():
    assert "srgan_tf.training.run" in set(imports(pathlib.Path("srgan_tf/commands/train.py")))
    assert "srgan_tf.config.sections" in set(imports(pathlib.Path("srgan_tf/config/schema.py")))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_habits(path):
    text = (ROOT / path).read_text()
    tree = ast.parse(text)
    assert path.stem not in ("utils", "helpers", "common")
    assert text.count("\n") <= 300
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Assert)], "errors, not asserts"
    if path.parts[0] == "srgan_tf":
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        prints = [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]
        assert not prints or "commands" in path.parts or path.name == "__main__.py", "libraries log, commands print"


def test_the_package_imports_nothing():
    code = (
        "import sys, srgan_tf; print(*[name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'keras')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_no_keras_private_api_and_no_lambda_layers():
    for path in FILES:
        text = (ROOT / path).read_text()
        assert "keras.src" not in text
        assert "Lambda(" not in text
