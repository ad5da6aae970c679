"""Every preset at one small budget, on the same pictures, from the same seed: the table of docs/MODELS.md.

    python -m benchmarks.family --data photos --valid benchmark/Set5 --score benchmark/Set14 --output runs/family

Every phase is a `train.py` of its own, and presets of equal generators and pretraining share that. The same command
again goes on where it stopped. The cost of a run is the CPU time of its process, user and system, on all cores:
another program beside it changes that less than it changes seconds.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings

ROOT = pathlib.Path(__file__).parent.parent
BLOCKS = {"srresnet": 4, "compact": 4, "rrdbnet": 2, "srdensenet": 4}
SETTINGS = (
    "precision=bfloat16",
    "ema_decay=0.99",
    "data.hr_patch_size=64",
    "data.batch_size=8",
    "data.valid_pictures=2",
    "generator.num_filters=32",
    "discriminator.num_filters=32",
    "pretrain.steps=1000",
    "pretrain.learning_rate.initial=1e-3",
    "pretrain.learning_rate.decay=cosine",
    "pretrain.learning_rate.milestones=[]",
    "pretrain.learning_rate.cycles=1",
    "pretrain.learning_rate.final=1e-6",
    "pretrain.learning_rate.factor=0.5",
    "reporting.log_every=10",
    "reporting.validate_every=10000",
    "reporting.checkpoint_every=250",
)
# Those for other images than the bicubically downscaled ones of the table are left out.
NAMES = [name for name, preset in presets.PRESETS.items() if name != "tiny" and preset().data.degradation == "bicubic"]
METRICS = ("psnr_y", "ssim_y", "psnr_lr", "niqe", "stlpips")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="pictures to train on")
    parser.add_argument("--valid", required=True, help="pictures that training scores at its end")
    parser.add_argument("--score", required=True, help="pictures of the table")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder of the runs")
    parser.add_argument("--only", action="append", choices=NAMES, help="train this alone; may be repeated")
    parser.add_argument("--train-only", action="store_true", help="no table")
    flags = parser.parse_args()
    data = ["--data", flags.data, "--valid", flags.valid]
    for name in flags.only or NAMES:
        train(name, data, flags.output)
    if not flags.train_only:
        phases = [(flags.output / f"pretrain_{pretrained_as(name)}", model_of(name, flags.output)) for name in NAMES]
        folders = dict.fromkeys(folder for both in phases for folder in both)
        tabulate([folder for folder in folders if spent_on(folder)["done"]], flags.score, flags.output)


def train(name, data, output):
    """Trains both phases of a preset, as far as they have not been."""
    first = pretrained_as(name)
    pretrained = output / f"pretrain_{first}"
    call("train.py", *data, *flags_of(first, "gan.steps=0"), workdir=pretrained)
    if model_of(name, output) == pretrained:
        return
    settings = ["pretrain.steps=0", f"init_generator={pretrained}"]
    if load(name).gan.rank_weight:
        settings.append(f"gan.ranker={train_ranker(data, output)}")
    call("train.py", *data, *flags_of(name, *settings), workdir=model_of(name, output))


def train_ranker(data, output):
    """A ranker of three models of this table; returns its file."""
    file = output / "ranker" / "ranker.keras"
    models = [output / "pretrain_msrgan_x4", output / "msrgan_x4", output / "esrgan_light_x4"]
    sizes = {"places": 80, "patch-size": 192, "steps": 200, "batch-size": 8, "num-filters": 8}
    if not file.is_file():
        options = [text for size in sizes.items() for text in (f"--{size[0]}", str(size[1]))]
        models = [text for model in models for text in ("--model", str(model))]
        call("train_ranker.py", *models, *data[:2], *options, "--output", str(file), workdir=file.parent, flag=False)
    return file


def load(name, *settings):
    """The settings of a preset at this budget."""
    return with_settings(presets.load_preset(name), settings_of(name, *settings))


def settings_of(name, *more):
    config = presets.load_preset(name)
    blocks = 1 if name == "esrgan_light_x4" else BLOCKS[config.generator["name"]]
    steps = min(config.gan.steps, 300)
    return [f"generator.num_blocks={blocks}", f"gan.steps={steps}", *SETTINGS, *more]


def pretrained_as(name):
    """The first preset of the same generator and pretraining."""
    config = load(name)
    return next(
        other for other in NAMES if (load(other).generator, load(other).pretrain) == (config.generator, config.pretrain)
    )


def model_of(name, output):
    """The folder of a preset's last phase."""
    return output / (name if load(name).gan.steps else f"pretrain_{pretrained_as(name)}")


def flags_of(name, *more):
    settings = [text for setting in settings_of(name, *more) for text in ("--set", setting)]
    return ["--preset", name, *settings]


def call(script, *arguments, workdir, flag=True):
    """Runs a script to its end unless it has been, and keeps its CPU seconds beside its results."""
    spent = spent_on(workdir)
    if spent["done"]:
        return
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    where = ["--workdir", str(workdir)] if flag else []
    process = subprocess.run([sys.executable, str(ROOT / script), *arguments, *where])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent["seconds"] += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    spent["done"] = process.returncode == 0
    workdir.parent.mkdir(parents=True, exist_ok=True)
    workdir.with_suffix(".cost.json").write_text(json.dumps(spent))
    if process.returncode:
        sys.exit(f"{script} ended with {process.returncode}")


def spent_on(workdir):
    """CPU seconds that a run has taken, and whether it is done."""
    file = workdir.with_suffix(".cost.json")
    return json.loads(file.read_text()) if file.is_file() else {"seconds": 0.0, "done": False}


def tabulate(folders, score, output):
    """Scores the runs beside bicubic, and prints a Markdown row for each: its scores, the CPU seconds of that phase."""
    models = [text for model in ["bicubic", *folders] for text in ("--model", str(model))]
    metrics = ["--metric", "niqe", "--metric", "stlpips"]
    results = output / "results"
    command = [sys.executable, str(ROOT / "evaluate.py"), *models, "--data", score, *metrics]
    subprocess.run([*command, "--output", str(results)], check=True)
    seconds = {"bicubic": ""} | {folder.name: f"{spent_on(folder)['seconds']:.0f}" for folder in folders}
    print(f"| | {' | '.join(METRICS)} | CPU seconds |\n|---{'|---' * (len(METRICS) + 1)}|")
    for name, cost in seconds.items():
        (dataset,) = json.loads((results / name / "metrics.json").read_text())["datasets"].values()
        scores = [f"{dataset['mean'][metric]:.4g}" for metric in METRICS]
        print(f"| {name} | {' | '.join([*scores, cost])} |")


if __name__ == "__main__":
    main()
