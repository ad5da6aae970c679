from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from srgan_tf.export.server_config import write_server_configs


def test_the_server_finds_the_model_under_its_folders_name(tmp_path):
    folder = tmp_path / "srgan"
    folder.mkdir()
    assert write_server_configs(folder) == [folder / "models.config", folder / "monitoring.config"]
    models = text_format.Parse((folder / "models.config").read_text(), model_server_config_pb2.ModelServerConfig())
    (model,) = models.model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == ("srgan", "/models/srgan", "tensorflow")
    assert "enable: true" in (folder / "monitoring.config").read_text()


def test_existing_files_are_kept(tmp_path):
    (tmp_path / "models.config").write_text("mine")
    assert write_server_configs(tmp_path) == [tmp_path / "monitoring.config"]
    assert (tmp_path / "models.config").read_text() == "mine"
