"""The imports follow the floor plan of docs/ARCHITECTURE.md, and every file the house rules."""

import ast
import pathlib
import subprocess
import sys

import keras

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("*.py"), *(ROOT / "srgan_tf").rglob("*.py")])
REPOSITORY = sorted(path.relative_to(ROOT) for name in ("benchmarks", "tools") for path in (ROOT / name).rglob("*.py"))
FILES = PACKAGE + REPOSITORY

# A file imports only from its own folder or from a folder with a lower number; folders of equal number are separate.
FLOORS = {
    "srgan_tf": 0,
    "srgan_tf.errors": 0,
    "srgan_tf.precisions": 0,
    "srgan_tf.hardware": 1,
    "srgan_tf.runs": 1,
    "srgan_tf.files": 2,
    "srgan_tf.replacing": 3,
    "srgan_tf.images": 3,
    "srgan_tf.diffusion": 3,
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
    "srgan_tf.web": 7,
    "srgan_tf.video": 7,
    "srgan_tf.cluster": 7,
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


def upward_imports(path):
    """One line for each import of a file that the floor plan forbids."""
    here = room(module_name(path))
    if here == "srgan_tf":  # the Python API imports from any folder, but only when its functions are called
        if path.name != "__init__.py":
            yield f"{path} has no place in the plan"
        return
    for module in imports(path):
        there = room(module)
        if there != here and FLOORS[there] >= FLOORS[here]:
            yield f"{path} imports {module}, which is not below it"


def test_imports_go_down():
    assert [line for path in FILES for line in upward_imports(path)] == []


def test_imports_of_both_forms_are_found():
    assert "srgan_tf.training.run" in set(imports(pathlib.Path("srgan_tf/commands/train.py")))
    assert "srgan_tf.config.sections" in set(imports(pathlib.Path("srgan_tf/config/schema.py")))


def broken_habits(path):
    """One line for each house rule that a file breaks."""
    text = (ROOT / path).read_text()
    nodes = [*ast.walk(ast.parse(text))]
    if path.stem in ("utils", "helpers", "common"):
        yield f"{path}: name the file after what it does"
    if text.count("\n") > 300:
        yield f"{path}: {text.count(chr(10))} lines are more than 300"
    for node in nodes:
        if isinstance(node, ast.Assert):
            yield f"{path}:{node.lineno}: raise an error instead of an assert"
        is_print = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        may_print = path.parts[0] != "srgan_tf" or "commands" in path.parts or path.name == "__main__.py"
        if is_print and not may_print:
            yield f"{path}:{node.lineno}: libraries log, only commands print"
        if isinstance(node, ast.Attribute) and node.attr == "Lambda":
            yield f"{path}:{node.lineno}: a Lambda layer cannot be loaded from a file safely"


def test_house_rules_of_the_source():
    assert [line for path in FILES for line in broken_habits(path)] == []


def test_the_package_imports_nothing():
    code = (
        "import sys, srgan_tf; print(*[name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'keras')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def private_names(path):
    """(those that a file defines, those that it reads as attributes)."""
    nodes = [*ast.walk(ast.parse((ROOT / path).read_text()))]
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    defined |= {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    defined |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return defined, {name for name in used if name.startswith("_") and not name.startswith("__")}


def test_the_only_private_names_of_libraries_are_those_of_kerass_adam():
    names = {path: private_names(path) for path in PACKAGE}
    own = set().union(*(defined for defined, _ in names.values()))
    own |= {"_replace", "_asdict", "_fields", "_exit"}  # public: of named tuples, and of os
    found = {(path.as_posix(), name) for path, (_, used) in names.items() for name in used - own}
    file = "srgan_tf/training/optimizers.py"
    assert found <= {(file, name) for name in ("_get_variable_index", "_momentums", "_velocities")}
    assert not [path for path in FILES if "keras.src" in (ROOT / path).read_text()]


def test_kerass_adam_has_the_private_names_that_fused_adam_uses():
    """Without them FusedAdam must fall back to Keras's own update."""
    weight = keras.Variable([1.0, 2.0])
    optimizer = keras.optimizers.Adam()
    optimizer.build([weight])
    index = optimizer._get_variable_index(weight)
    assert optimizer._momentums[index].shape == optimizer._velocities[index].shape == (2,)
