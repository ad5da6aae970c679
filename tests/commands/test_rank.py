import sys
import types

import numpy as np
import pytest

from srgan_tf.training.ranker import load_ranker


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model", "bicubic"], "--model is needed twice or more (received 'bicubic' alone)"),
        (
            ["--model", "bicubic", "--model", "b", "--patch-size", "96"],
            "--patch-size must be at least 192 (received 96)",
        ),
        (
            ["--model", "bicubic", "--model", "b", "--crop-size", "300"],
            "--crop-size must be from 32 to --patch-size 288 (received 300)",
        ),
        (["--model", "bicubic", "--model", "b", "--steps", "0"], "--steps must be positive (received 0)"),
    ],
)
def test_wrong_use_is_one_line(run_script, flags, message):
    code, _, err = run_script("rank", *flags, "--data", "synthetic", "--output", "ranker.keras")
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.slow
def test_from_models_to_a_ranker(run_script, tmp_path, monkeypatch, small_generator):
    # NIQE has tests of its own and asks for a file of parameters.
    stand_in = types.SimpleNamespace(load_niqe=lambda: lambda picture: float(np.asarray(picture, float).std()))
    monkeypatch.setitem(sys.modules, "srgan_tf.metrics.niqe", stand_in)
    small_generator.save(tmp_path / "network.keras")
    output = tmp_path / "new" / "ranker.keras"
    code, out, err = run_script(
        *("rank", "--model", "bicubic", "--model", tmp_path / "network.keras", "--data", "synthetic"),
        *("--output", output, "--places", 8, "--patch-size", 192, "--steps", 2, "--batch-size", 2, "--num-filters", 2),
    )
    assert code == 0, err
    assert "bicubic: mean NIQE" in out
    assert out.splitlines()[-1].startswith(f"done: {output}; ")
    assert load_ranker(str(output))(np.zeros((2, 24, 24, 3), np.float32)).shape == (2, 1)
    assert [path.name for path in output.parent.iterdir()] == ["ranker.keras"]
