"""Configuration files for TensorFlow Serving, ready to use beside the versions."""

import pathlib

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

MODELS_FILE = "models.config"
MONITORING_FILE = "monitoring.config"

_MONITORING = """prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""


def write_server_configs(output):
    """Writes `models.config` and `monitoring.config` into the folder of the versions; existing files are kept.

    Args:
        output: folder of `export_saved_model`. Its name becomes the model's name; the base path is /models/NAME, as in
            the Docker image.

    Returns:
        List of the written paths.
    """
    output = pathlib.Path(output)
    name = output.resolve().name
    models = model_server_config_pb2.ModelServerConfig()
    models.model_config_list.config.add(name=name, base_path=f"/models/{name}", model_platform="tensorflow")
    written = []
    for file, text in ((MODELS_FILE, text_format.MessageToString(models)), (MONITORING_FILE, _MONITORING)):
        if not (output / file).exists():
            (output / file).write_text(text)
            written.append(output / file)
    return written
