"""The evaluation of a model as files: metrics.json, the SR pictures and comparison strips."""

import json
import os
import pathlib

from srgan_tf import comparison, evaluation
from srgan_tf.data.pictures import write_picture
from srgan_tf.errors import UserError
from srgan_tf.inference import BicubicUpscaler

METRICS_FILE = "metrics.json"


def evaluate_sources(upscaler, sources, output, on_picture=lambda source, name, scores: None):
    """Scores a model on sources and writes all that came of it.

    Args:
        upscaler: an `Upscaler`.
        sources: list of `Source` with names that differ.
        output: folder for metrics.json, NAME/sr/*.png and NAME/comparison/*.png.
        on_picture: called with (source, picture name, scores) as each is done.

    Returns:
        What metrics.json holds.

    Raises:
        UserError: two sources of one name, or a folder that cannot be written.
        WorkError: a picture that cannot be read or scored.
    """
    output = pathlib.Path(output)
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise UserError(f"two data sets have the same name: {', '.join(names)}")
    make_folder(output)
    datasets = {}
    for source in sources:
        images = []
        for scored in evaluation.evaluate(upscaler, source):
            images.append({"name": scored.pair.name} | scored.scores)
            write_picture(output / source.name / "sr" / f"{scored.pair.name}.png", scored.sr)
            write_picture(output / source.name / "comparison" / f"{scored.pair.name}.png", _strip(upscaler, scored))
            on_picture(source, scored.pair.name, scored.scores)
        mean = evaluation.mean_scores({metric: row[metric] for metric in scored.scores} for row in images)
        datasets[source.name] = {"images": images, "mean": mean}
    result = {
        "model": upscaler.name,
        "scale": upscaler.scale,
        "protocol": evaluation.protocol(upscaler.scale),
        "datasets": datasets,
    }
    unfinished = output / f".{METRICS_FILE}.unfinished"
    unfinished.write_text(json.dumps(result, indent=2) + "\n")
    os.replace(unfinished, output / METRICS_FILE)
    return result


def make_folder(folder):
    """Makes an output folder.

    Raises:
        UserError: it cannot be made or written.
    """
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write to the output folder {str(folder)!r}: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise UserError(f"cannot write to the output folder {str(folder)!r}: no permission")


def _strip(upscaler, scored):
    lr, hr = scored.pair.lr, scored.pair.hr
    bicubic = BicubicUpscaler(upscaler.scale).upscale(lr)
    bicubic_scores = evaluation.score(hr, bicubic, border=upscaler.scale)
    columns = {"LR": comparison.nearest(lr, upscaler.scale), _caption("bicubic", bicubic_scores): bicubic}
    if upscaler.name != "bicubic":
        columns[_caption(upscaler.name, scored.scores)] = scored.sr
    columns["HR"] = hr
    zoom = 4
    return comparison.strip(columns, inset=comparison.busiest_inset(hr, zoom), zoom=zoom)


def _caption(name, scores):
    return f"{name}\n{scores['psnr_y']:.2f} dB  {scores['ssim_y']:.3f}"
