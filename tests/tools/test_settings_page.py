from srgan_tf.config.schema import Config, flatten
from tools.settings_page import FILE, page


def test_the_page_of_settings_is_up_to_date():
    assert FILE.read_text() == page(), "run python -m tools.settings_page"


def test_every_setting_is_on_the_page():
    text = page()
    for name in flatten(Config().to_dict()):
        assert f"| `{name}` |" in text
