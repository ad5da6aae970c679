"""The evaluation of a model as files: metrics.json, the SR pictures and comparison strips."""

import json
import os
import pathlib
import shutil
import tempfile

from srgan_tf import comparison, evaluation
from srgan_tf.data.pictures import write_picture
from srgan_tf.errors import UserError
from srgan_tf.inference import BicubicUpscaler
from srgan_tf.outputs import make_folder

METRICS_FILE = "metrics.json"


def evaluate_sources(upscaler, sources, output, on_picture=lambda source, name, scores: None):
    """Scores a model on sources and writes all that came of it, at the end and together.

    Args:
        upscaler: an `Upscaler`.
        sources: list of `Source` with names that differ.
        output: folder for metrics.json, NAME/sr/*.png and NAME/comparison/*.png. What an earlier evaluation left there
            for sources of these names is replaced.
        on_picture: called with (source, picture name, scores) as each is done.

    Returns:
        What metrics.json holds. A score that is not finite (the PSNR of equal pictures) is None.

    Raises:
        UserError: two sources of one name, or a folder that cannot be written.
        WorkError: a picture that cannot be read or scored; the output is as before.
    """
    output = pathlib.Path(output)
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise UserError(f"two data sets have the same name: {', '.join(names)}")
    make_folder(output)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=output) as unfinished:
        unfinished = pathlib.Path(unfinished)
        datasets = {source.name: _evaluate_source(upscaler, source, unfinished, on_picture) for source in sources}
        result = {
            "model": upscaler.name,
            "scale": upscaler.scale,
            "protocol": evaluation.protocol(upscaler.scale),
            "datasets": datasets,
        }
        (unfinished / METRICS_FILE).write_text(json.dumps(result, indent=2, allow_nan=False) + "\n")
        for name in names:
            shutil.rmtree(output / name, ignore_errors=True)
            os.rename(unfinished / name, output / name)
        os.replace(unfinished / METRICS_FILE, output / METRICS_FILE)
    return result


def _evaluate_source(upscaler, source, folder, on_picture):
    images, scores = [], []
    for scored in evaluation.evaluate(upscaler, source):
        name = scored.pair.name
        images.append({"name": name} | evaluation.json_scores(scored.scores))
        scores.append(scored.scores)
        write_picture(folder / source.name / "sr" / f"{name}.png", scored.sr)
        write_picture(folder / source.name / "comparison" / f"{name}.png", _strip(upscaler, scored))
        on_picture(source, name, scored.scores)
    return {"images": images, "mean": evaluation.json_scores(evaluation.mean_scores(scores))}


def _strip(upscaler, scored):
    lr, hr = scored.pair.lr, scored.pair.hr
    columns = {"LR": comparison.nearest(lr, upscaler.scale)}
    if not isinstance(upscaler, BicubicUpscaler):
        bicubic = BicubicUpscaler(upscaler.scale).upscale(lr)
        columns[_caption("bicubic", evaluation.score(hr, bicubic, border=upscaler.scale))] = bicubic
    columns[_caption(upscaler.name, scored.scores)] = scored.sr
    columns["HR"] = hr
    zoom = 4
    return comparison.strip(columns, insets=[comparison.busiest_inset(hr, zoom)], zoom=zoom)


def _caption(name, scores):
    return f"{name}\n{scores['psnr_y']:.2f} dB  {scores['ssim_y']:.3f}"
