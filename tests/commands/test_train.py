import json

import pytest

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings


@pytest.mark.parametrize(
    ("flags", "setting"),
    [
        (["--seed", "0", "--set", "gan.steps=7"], "seed = 0 "),
        (["--init-generator", "123"], 'init_generator = "123" '),
        (["--data", "a", "--data", "b"], 'data.train = ["a", "b"] '),
        (["--deterministic"], "deterministic = true "),
        ([], "deterministic = false "),
        (["--profile"], "reporting.profile = true "),
        (["--precision", "bfloat16", "--set", "precision=float16"], 'precision = "float16" '),
    ],
)
def test_flags_are_settings(run_script, monkeypatch, flags, setting):
    def seeded():
        """As tiny, with a seed of 3 (Ledig et al.)."""
        return with_settings(presets.tiny(), ["seed=3", 'preset="seeded"'])

    monkeypatch.setitem(presets.PRESETS, "seeded", seeded)
    code, output, _ = run_script("train", "--preset", "seeded", *flags, "--list")
    assert code == 0
    assert f"\n  {setting}" in output
    if "--seed" not in flags:
        assert "\n  seed = 3 " in output


def test_a_preset_with_strings_survives_the_flags(run_script):
    code, output, _ = run_script("train", "--preset", "photo_x4", "--list")
    assert code == 0
    assert f"gan.perceptual.layers = {json.dumps(presets.photo_x4().gan.perceptual.layers)}" in output
