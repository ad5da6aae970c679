"""The floor plan of docs/ARCHITECTURE.md, held against the imports."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
FILES = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("*.py"), *(ROOT / "srgan_tf").rglob("*.py")])

GROUND, FIRST, SECOND, THIRD, SCRIPTS = range(5)
FLOORS = {
    "srgan_tf": GROUND,
    "srgan_tf.errors": GROUND,
    "srgan_tf.cli": GROUND,
    "srgan_tf.hardware": GROUND,
    "srgan_tf.outputs": GROUND,
    "srgan_tf.pixels": GROUND,
    "srgan_tf.resize": GROUND,
    "srgan_tf.tiling": GROUND,
    "srgan_tf.comparison": GROUND,
    "srgan_tf.losses": GROUND,
    "srgan_tf.metrics": GROUND,
    "srgan_tf.transparency": GROUND,
    "srgan_tf.models": FIRST,
    "srgan_tf.data": FIRST,
    "srgan_tf.inference": SECOND,
    "srgan_tf.loading": SECOND,
    "srgan_tf.ensemble": SECOND,
    "srgan_tf.interpolation": SECOND,
    "srgan_tf.lineup": SECOND,
    "srgan_tf.refinement": SECOND,
    "srgan_tf.evaluation": SECOND,
    "srgan_tf.report": SECOND,
    "srgan_tf.upscaling": SECOND,
    "srgan_tf.serving": SECOND,
    "srgan_tf.client": SECOND,
    "srgan_tf.weights": GROUND,
    "srgan_tf.weights.packing": SECOND,
    "srgan_tf.weights.__main__": SCRIPTS,
    "srgan_tf.config": THIRD,
    "srgan_tf.settings": THIRD,
    "srgan_tf.presets": THIRD,
    "srgan_tf.training": THIRD,
    "srgan_tf.bench": SCRIPTS,
    "train": SCRIPTS,
    "train_ranker": SCRIPTS,
    "evaluate": SCRIPTS,
    "upscale": SCRIPTS,
    "export": SCRIPTS,
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
    for module in imports(path):
        there = room(module)
        assert FLOORS[there] <= FLOORS[here], f"{path} imports {module} from a floor above"
        if FLOORS[here] == FIRST:
            assert there == here or FLOORS[there] < FIRST, f"{path} imports {module}: models and data are separate"


def test_the_test_would_see_an_upward_import():
    assert "srgan_tf.training.run" in set(imports(pathlib.Path("train.py")))
    assert "srgan_tf.config" in set(imports(pathlib.Path("srgan_tf/presets.py")))


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
        assert not prints or path.name in ("cli.py", "__main__.py"), "libraries log, scripts print"


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
