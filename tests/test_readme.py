"""Command lines, links and names in README.md, CONTRIBUTING.md and docs/, tested with the real parsers."""

import argparse
import importlib
import importlib.util
import pathlib
import re
import shlex
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
TEST_COMMAND = 'python3 -m venv .venv && .venv/bin/pip install -e ".[dev,export]" && .venv/bin/python -m pytest'
SUBCOMMANDS = ("train", "evaluate", "upscale", "export", "rank", "weights", "web", "client")


class StopAfterParsingError(Exception):
    """Raised in place of doing the work, with the flags that were parsed."""


def code_blocks(page, language):
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def commands_of(page):
    """The commands in a page's shell blocks as lists of words, without the variables that are set in front of them."""
    for block in code_blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = []
            for word in [*shlex.split(line, comments=True), "&&"]:
                if word in ("&&", "|"):
                    while words and re.match(r"[A-Z_]+=", words[0]):
                        words = words[1:]
                    yield words
                    words = []
                else:
                    words.append(word)


def our_command(words):
    """Splits a command of this project into (module, arguments); None for other programs."""
    program, *rest = words or [""]
    if program == "srgan-tf":
        return f"srgan_tf.commands.{rest[0]}", rest[1:]
    if not re.fullmatch(r"(.*/)?python3?", program) or not rest:
        return None
    if rest[0] == "-m" and rest[1] == "srgan_tf":
        return f"srgan_tf.commands.{rest[2]}", rest[3:]
    if rest[0] == "-m" and rest[1] == "benchmarks":
        return f"benchmarks.{rest[2]}", rest[3:]
    if rest[0] == "-m" and rest[1].startswith(("benchmarks.", "tools.")):
        return rest[1], rest[2:]
    if rest[0].endswith(".py"):
        path = pathlib.Path(rest[0])
        assert (ROOT / path).is_file(), f"{path} does not exist"
        return f"srgan_tf.commands.{path.stem}" if path.parent == pathlib.Path() else f"benchmarks.{path.stem}", rest[
            1:
        ]
    return None


def parse(module, arguments, monkeypatch):
    """Runs a command's `main` up to the end of its own parser; returns the flags."""
    original = argparse.ArgumentParser.parse_args

    def parse_and_stop(self, *given, **options):
        raise StopAfterParsingError(original(self, *given, **options))

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)
        patch.setattr(sys, "argv", [module, *arguments])
        main = importlib.import_module(module).main
        with pytest.raises(StopAfterParsingError) as stopped:
            main(arguments) if main.__code__.co_argcount else main()
    return stopped.value.args[0]


COMMANDS = [
    pytest.param(*command, id=f"{page.stem}: {shlex.join(words)}")
    for page in PAGES
    for words in commands_of(page)
    if (command := our_command(words))
]


@pytest.mark.parametrize(("module", "arguments"), COMMANDS)
def test_command_lines_parse(module, arguments, monkeypatch, capfd):
    if module == "benchmarks.torch_step" and not importlib.util.find_spec("torch"):
        pytest.skip("torch is not installed")
    try:
        flags = parse(module, arguments, monkeypatch)
    except SystemExit:
        pytest.fail(capfd.readouterr().err)
    if module == "srgan_tf.commands.train":
        from srgan_tf.config.overrides import with_settings
        from srgan_tf.config.presets import load_preset

        with_settings(load_preset(flags.preset), flags.set)


def test_every_subcommand_has_a_command_line():
    used = {param.values[0] for param in COMMANDS}
    assert used >= {f"srgan_tf.commands.{name}" for name in SUBCOMMANDS}


def test_a_wrong_flag_is_found(monkeypatch, capfd):
    with pytest.raises(SystemExit):
        parse("srgan_tf.commands.train", ["--init", "compact_x4"], monkeypatch)
    assert "--init" in capfd.readouterr().err


def test_python_blocks_import_what_exists():
    for page in PAGES:
        for block in code_blocks(page, "python"):
            compile(block, page.name, "exec")
            for module, names in re.findall(r"^from (srgan_tf\S*) import (.+)$", block, re.MULTILINE):
                for name in names.split(", "):
                    assert hasattr(importlib.import_module(module), name), f"{page.name}: {module}.{name}"


def test_readmes_python_upscales_the_photograph(monkeypatch):
    monkeypatch.chdir(ROOT)
    (block,) = code_blocks(ROOT / "README.md", "python")
    names = {}
    exec(block, names)
    assert (names["sr"].shape, names["sr"].dtype) == ((300, 448, 3), "uint8")


def test_ci_runs_the_readmes_test_command():
    assert f"{TEST_COMMAND}\n" in code_blocks(ROOT / "README.md", "sh")
    assert TEST_COMMAND in (ROOT / ".ci" / "run").read_text().splitlines()
    assert TEST_COMMAND in (ROOT / "CONTRIBUTING.md").read_text().splitlines()


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_images_exist(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path) if path else page
        assert linked.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(linked), f"{page.name}: {target}"


def test_every_page_is_linked_from_the_readme():
    readme = (ROOT / "README.md").read_text()
    for page in PAGES[1:]:
        assert f"]({page.relative_to(ROOT).as_posix()}" in readme, page.name


def test_every_image_is_used():
    text = "".join(page.read_text() for page in PAGES)
    for image in (ROOT / "docs" / "images").iterdir():
        assert image.name in text, image.name


def test_every_preset_is_described():
    from srgan_tf.config.presets import PRESETS

    text = (ROOT / "docs" / "MODELS.md").read_text()
    for name in PRESETS:
        assert f"`{name}`" in text
