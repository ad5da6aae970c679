"""The model card: what lies in an export, where it comes from, and what it may be used for."""

import datetime
import json
import pathlib

import srgan_tf
from srgan_tf.errors import UserError, first_line
from srgan_tf.evaluation.results import read_means
from srgan_tf.export.module import describe_network
from srgan_tf.files import read_rows
from srgan_tf.inference.exported import SIGNATURE
from srgan_tf.runs import CONFIG_FILE, METRICS_FILE, SCORE_PREFIX

FILE = "MODEL_CARD.md"


def training_facts(model, *, scores=None, license_text=None):
    """What can be found out about a model's training.

    Args:
        model: path of a run folder, which tells its preset, its data and its last validation scores, or of a `.keras`
            file. A card beside that, NAME.json, tells "preset", "data", "scores" and "license", as far as it has them.
        scores: a `metrics.json` of evaluate.py, or None.
        license_text: under which terms the weights may be used, or None.

    Returns:
        Dictionary of headings to lines of text, for `model_card`.

    Raises:
        UserError: `scores` is no such file, or the files of the run folder or the card are damaged.
    """
    path = pathlib.Path(model)
    try:
        facts = _of_run(path) if path.is_dir() else _of_card(path.with_suffix(".json"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"cannot read what lies beside the model {str(model)!r}: {first_line(error)}") from error
    origin = f"exported from {path.name!r} by srgan_tf {srgan_tf.__version__}"
    facts["Model"] = [origin, *facts.get("Model", [])]
    if scores is not None:
        facts["Scores"] = facts.get("Scores", []) + _score_lines(read_means(scores)[1])
    if license_text is not None:
        facts["Licence of the weights"] = [license_text]
    return facts


def _of_run(folder):
    facts = {}
    if (folder / CONFIG_FILE).is_file():
        config = json.loads((folder / CONFIG_FILE).read_text())
        facts["Model"] = [f"preset: {config['preset']}"]
        facts["Training data"] = [
            f"{'training' if use == 'train' else 'validation'}: {', '.join(config['data'][use])}"
            for use in ("train", "valid")
            if config["data"][use]
        ]
    for row in reversed(read_rows(folder / METRICS_FILE, phase=str, step=int)):
        scores = {name.removeprefix(SCORE_PREFIX): row[name] for name in row if name.startswith(SCORE_PREFIX)}
        if scores:
            facts["Scores"] = [f"validation pictures, {row['phase']} step {row['step']}: {_figures(scores)}"]
            break
    return facts


def _of_card(file):
    card = json.loads(file.read_text()) if file.is_file() else {}
    if not isinstance(card, dict) or card.get("name") != file.stem:  # another program's file by that name
        card = {}
    facts = {
        "Model": [f"preset: {card['preset']}"] if "preset" in card else [],
        "Training data": [card["data"]] if "data" in card else [],
        "Scores": _score_lines(card.get("scores", {})),
        "Licence of the weights": [card["license"]] if "license" in card else [],
    }
    return {heading: lines for heading, lines in facts.items() if lines}


def _score_lines(scores):
    """A line of each of `scores`: "protocol", which is a sentence, and data sets by their mean scores."""
    return [f"{name}: {value if name == 'protocol' else _figures(value)}" for name, value in scores.items()]


def _figures(scores):
    """Scores in words; null in our files is what JSON cannot hold, such as the infinite PSNR of equal pictures."""
    return ", ".join(
        f"{name} {'not finite' if value is None else format(value, '.4g')}" for name, value in scores.items()
    )


def model_card(generator, signatures, *, description, facts):
    """The text of a card, in Markdown.

    Args:
        generator: the network.
        signatures: names to `tf.function`s that return dictionaries.
        description: "scale", "receptive_field" and whatever else callers must know.
        facts: from `training_facts`.
    """
    missing = ["not stated: ask whoever trained the model"]
    sections = {
        "Model": [
            *facts.get("Model", []),
            f"date: {datetime.date.today()}",
            f"parameters: {generator.count_params():,}",
            *(f"{name}: {value}" for name, value in description.items()),
        ],
        "Signatures": [
            *(_signature(name, function) for name, function in signatures.items()),
            "pixels are RGB; of float32 they lie in [0, 1], of uint8 in 0-255",
        ],
        "Training data": facts.get("Training data", missing),
        "Scores": facts.get("Scores", missing),
        "Licence of the weights": facts.get("Licence of the weights", missing),
    }
    parts = [f"# {generator.name} x{description['scale']}"]
    for heading, lines in sections.items():
        if lines:
            parts.append("\n".join([f"## {heading}", "", *(f"- {line}" for line in lines)]))
    return "\n\n".join(parts) + "\n"


def write_file_card(path, generator, function, *, form, facts):
    """Writes the card of an export that is one file with one function.

    Args:
        path: the export; its card is `path` and ".md".
        generator: the network.
        function: what was exported, from `runtimes.upscaling_function`.
        form: the format in words.
        facts: from `training_facts`.

    Returns:
        Path of the card.
    """
    path = path.with_name(f"{path.name}.md")
    description = {"format": form} | describe_network(generator)
    path.write_text(model_card(generator, {SIGNATURE: function}, description=description, facts=facts))
    return path


def _signature(name, function):
    def describe(key, tensor):
        sizes = ", ".join("any" if size is None else str(size) for size in tensor.shape)
        return f"{key} {tensor.dtype.name} [{sizes}]"

    inputs = [describe(spec.name, spec) for spec in function.input_signature]
    outputs = function.get_concrete_function().structured_outputs
    return f"`{name}`: {', '.join(inputs)} -> {', '.join(describe(*item) for item in outputs.items())}"
