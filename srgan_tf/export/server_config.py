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
    """Writes `models.config` and `monitoring.config` into the folder of the versions; existing ones are left alone.

    Args:
        output: folder that `export_saved_model` wrote to. Its name is the model's; the server is to find it as
            /models/NAME, where the Docker image expects models.

    Returns:
        List of the paths that were written.
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
