import numpy as np
import pytest

from srgan_tf.errors import UserError
from srgan_tf.evaluation.lineup import load_lineup
from srgan_tf.networks.generators import srresnet


@pytest.fixture
def file(tmp_path, small_generator):
    small_generator.save(tmp_path / "a=b.keras")
    return str(tmp_path / "a=b.keras")


def names_of(lineup):
    upscalers, curve = lineup
    return [upscaler.name for upscaler in upscalers], curve


def test_names(file):
    assert names_of(load_lineup(["bicubic", file, f"mine={file}"])) == (["bicubic", "a=b", "mine"], [])


@pytest.mark.slow
def test_interpolated_networks_and_ensembles_come_last(file, rng):
    lineup = load_lineup(["bicubic"], between=(file, file), alphas=(0, 0.25), ensemble=True)
    between = ["a=b-a=b@0", "a=b-a=b@0.25"]
    assert names_of(lineup) == (["bicubic", *between, "a=b-a=b@0+", "a=b-a=b@0.25+"], between)
    lr = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert {upscaler.upscale(lr).shape for upscaler in lineup[0]} == {(20, 28, 3)}


def test_bicubic_has_the_factor_of_the_networks(tmp_path):
    srresnet(num_blocks=1, num_filters=4, scale=2).save(tmp_path / "x2.keras")
    upscalers, _ = load_lineup(["bicubic", "base=bicubic", str(tmp_path / "x2.keras")])
    assert [(upscaler.name, upscaler.scale) for upscaler in upscalers] == [("bicubic", 2), ("base", 2), ("x2", 2)]
    assert load_lineup(["bicubic"])[0][0].scale == 4


def test_interpolated_networks_of_another_factor_are_refused(file):
    with pytest.raises(UserError, match=r"the model 'a=b-a=b@0\.5' enlarges by 4, not by 2"):
        load_lineup([], between=(file, file), alphas=(0.5,), scale=2)


def test_errors(file):
    with pytest.raises(UserError, match="no model 'missing'"):
        load_lineup(["mine=missing"])
    with pytest.raises(UserError, match="does not improve bicubic"):
        load_lineup(["bicubic"], ensemble=True)
    with pytest.raises(UserError, match="enlarges by 4, not by 2"):
        load_lineup([f"mine={file}"], scale=2)
