"""The model card: what lies in an export, where it comes from, and what it may be used for."""

import datetime
import json
import pathlib

import srgan_tf
from srgan_tf.errors import UserError, first_line
from srgan_tf.serving.module import describe_network
from srgan_tf.serving.runtimes import SIGNATURE

FILE = "MODEL_CARD.md"


def training_facts(model, *, scores=None, license_text=None):
    """What can be found out about a model's training.

    Args:
        model: what `--model` named; a run folder tells its preset, its data and its last validation scores.
        scores: a `metrics.json` of evaluate.py, or None.
        license_text: under which terms the weights may be used, or None.

    Returns:
        Dictionary of headings to lines of text, for `model_card`.

    Raises:
        UserError: `scores` is no such file, or the run folder's files are damaged.
    """
    facts = {"Model": [f"exported from {pathlib.Path(model).name!r} by srgan_tf {srgan_tf.__version__}"]}
    run = pathlib.Path(model)
    try:
        if (run / "config.json").is_file():
            config = json.loads((run / "config.json").read_text())
            facts["Model"] += [f"preset: {config['preset']}"]
            facts["Training data"] = [f"training: {', '.join(config['data']['train'])}"]
            if config["data"]["valid"]:
                facts["Training data"] += [f"validation: {', '.join(config['data']['valid'])}"]
        if (run / "metrics.jsonl").is_file():
            facts["Scores"] = _last_validation((run / "metrics.jsonl").read_text().splitlines())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"cannot read what the run folder {str(model)!r} says of itself: {first_line(error)}"
        ) from error
    if scores is not None:
        facts["Scores"] = facts.get("Scores", []) + _evaluation(scores)
    if license_text is not None:
        facts["Licence of the weights"] = [license_text]
    return facts


def _last_validation(lines):
    rows = [row for row in map(json.loads, lines) if any(name.startswith("eval/") for name in row)]
    if not rows:
        return []
    row = rows[-1]
    values = [f"{name.removeprefix('eval/')} {row[name]:.4g}" for name in row if name.startswith("eval/")]
    return [f"validation pictures, {row['phase']} step {row['step']}: {', '.join(values)}"]


def _evaluation(path):
    try:
        report = json.loads(pathlib.Path(path).read_text())
        lines = [f"protocol: {report['protocol']}"]
        for name, dataset in report["datasets"].items():
            lines.append(f"{name}: " + ", ".join(f"{metric} {value:.4g}" for metric, value in dataset["mean"].items()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{str(path)!r} is no metrics.json of evaluate.py: {first_line(error)}") from error
    return lines


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
