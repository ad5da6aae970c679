"""The templates of the report page (jinja2)."""

import importlib.resources

import jinja2


def read(name):
    """The text of a file of this folder."""
    return importlib.resources.files("srgan_tf.evaluation.page").joinpath(name).read_text(encoding="utf-8")


def load(name):
    """A template of this folder. Values are escaped unless they are marked as safe."""
    return _ENVIRONMENT.get_template(name)


_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FunctionLoader(read),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
