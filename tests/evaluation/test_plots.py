import re
import xml.etree.ElementTree

from srgan_tf.evaluation.plots import perception_distortion


def result(model, psnr, stlpips):
    mean = {"psnr_y": psnr, "ssim_y": 0.8, "stlpips": stlpips}
    return {"model": model, "scale": 4, "protocol": "", "datasets": {"Set5": {"mean": mean}}}


def circles(svg):
    """Places of the scattered points, in the order drawn."""
    root = xml.etree.ElementTree.fromstring(svg)
    collections = [node for node in root.iter() if node.get("id", "").startswith("PathCollection")]
    uses = [next(node for node in group.iter() if node.tag.endswith("use")) for group in collections]
    return [(float(use.get("x")), float(use.get("y"))) for use in uses]


def test_positions_of_the_points():
    results = [result("bicubic", 28.4, 0.33), result("small", 31.3, 0.155), result("gan", 29.7, 0.12)]
    ((name, drawing),) = perception_distortion(results).items()
    assert name == "perception_distortion-Set5-stlpips"
    bicubic, small, gan = circles(drawing.svg)
    assert bicubic[0] < gan[0] < small[0]  # to the right: smaller error
    assert bicubic[1] > small[1] > gan[1]  # upwards, where SVG counts down: better looking
    # Linear in both.
    assert abs((gan[0] - bicubic[0]) / (small[0] - bicubic[0]) - 1.3 / 2.9) < 1e-3
    assert drawing.description == (
        "PSNR-Y (dB) against ST-LPIPS on Set5. bicubic: 28.40 and 0.3300; small: 31.30 and 0.1550; "
        "gan: 29.70 and 0.1200."
    )


def test_a_curve_connects_its_models():
    results = [result(f"a-b@{alpha}", 31 - alpha, 0.2 - 0.05 * alpha**2) for alpha in (0, 0.5, 1)]
    (plain,) = perception_distortion(results).values()
    (joined,) = perception_distortion(results, [one["model"] for one in results]).values()
    points = [f"{x:.2f} {y:.2f}" for x, y in circles(joined.svg)]
    assert points in lines(joined.svg)
    assert points not in lines(plain.svg)


def test_a_curve_is_also_drawn_without_the_other_models():
    results = [result("bicubic", 28.4, 0.33), result("a-b@0", 31, 0.2), result("a-b@1", 30, 0.15)]
    drawings = perception_distortion(results, ["a-b@0", "a-b@1"])
    assert [(name, len(circles(drawing.svg))) for name, drawing in drawings.items()] == [
        ("perception_distortion-Set5-stlpips", 3),
        ("interpolation-Set5-stlpips", 2),
    ]


def lines(svg):
    """The corners of each path."""
    paths = [node.get("d", "") for node in xml.etree.ElementTree.fromstring(svg).iter() if node.tag.endswith("path")]
    return [
        [f"{float(x):.2f} {float(y):.2f}" for x, y in re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", path)] for path in paths
    ]


def test_the_same_results_give_the_same_bytes():
    results = [result("bicubic", 28.4, 0.33)]
    assert perception_distortion(results) == perception_distortion(results)


def test_nothing_to_draw():
    results = [result("bicubic", 28.4, 0.33)]
    for kept in (["psnr_y", "ssim_y"], ["stlpips"]):
        mean = {metric: results[0]["datasets"]["Set5"]["mean"][metric] for metric in kept}
        assert perception_distortion([results[0] | {"datasets": {"Set5": {"mean": mean}}}]) == {}


def test_a_score_that_is_not_finite_is_left_out():
    (drawing,) = perception_distortion([result("bicubic", None, 0.33), result("small", 31.3, 0.155)]).values()
    assert len(circles(drawing.svg)) == 1


def test_names_are_not_parsed_as_formulas():
    (drawing,) = perception_distortion([result(r"$\x{$", 28.4, 0.33), result("caf\udce9", 30, 0.2)]).values()
    assert r"$\x{$: 28.40" in drawing.description
