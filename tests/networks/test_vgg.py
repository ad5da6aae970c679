import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError
from srgan_tf.images.resize import imresize
from srgan_tf.losses.perceptual import perceptual_loss
from srgan_tf.networks.precision import precision_scope
from srgan_tf.networks.vgg import CONVOLUTIONS, WEIGHTS_FILE, vgg19_features


@pytest.fixture
def image(rng):
    return rng.random((2, 33, 47, 3), np.float32)


def test_the_first_convolution_gets_caffes_pixels(image):
    extractor = vgg19_features(["block1_conv1"], before_activation=True, weights=None)
    features = extractor(image)["block1_conv1"]
    kernel, bias = extractor.get_layer("block1_conv1").get_weights()
    caffe = image[..., ::-1] * 255 - np.array([103.939, 116.779, 123.68], np.float32)
    expected = tf.nn.conv2d(caffe, kernel, 1, "SAME") + bias
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-3)


def test_before_and_after_activation(image):
    names = ["block1_conv2", "block2_conv2"]
    keras.utils.set_random_seed(0)
    before = vgg19_features(names, before_activation=True, weights=None)
    keras.utils.set_random_seed(0)
    after = vgg19_features(names, weights=None)
    raws, rectifieds = before(image), after(image)
    for name in names:
        raw, rectified = raws[name], rectifieds[name]
        assert raw.numpy().min() < 0
        assert rectified.numpy().min() == 0
        # Also the deeper layer: it must get the shallower layer's features after the ReLU.
        np.testing.assert_allclose(tf.nn.relu(raw), rectified, rtol=1e-4, atol=1e-3)


def test_layers_by_name_and_nothing_deeper_is_built(image):
    extractor = vgg19_features(["block2_conv1", "block1_conv2"], weights=None)
    channels = {name: features.shape[-1] for name, features in extractor(image).items()}
    assert channels == {"block2_conv1": 128, "block1_conv2": 64}
    assert "block3_conv1" not in {layer.name for layer in extractor.layers}


def test_frozen_and_float32_under_any_policy(image):
    with precision_scope("bfloat16"):
        extractor = vgg19_features(["block1_conv2"], weights=None)
    assert not extractor.trainable_variables
    assert extractor(image)["block1_conv2"].dtype == "float32"
    assert extractor.get_layer("block1_conv1").compute_dtype == "float32"


def test_the_list_of_convolutions_is_kerass():
    layers = keras.applications.VGG19(include_top=False, weights=None).layers
    assert [layer.name for layer in layers if isinstance(layer, keras.layers.Conv2D)] == list(CONVOLUTIONS)


def test_unknown_layer():
    with pytest.raises(UserError, match=r"block9_conv9.*block5_conv4"):
        vgg19_features(["block9_conv9"], weights=None)


def test_missing_weights_are_a_user_error(monkeypatch, tmp_path):
    with pytest.raises(UserError, match=f"no VGG19 weights at 'missing.h5'.*{WEIGHTS_FILE}"):
        vgg19_features(["block1_conv1"], weights="missing.h5")

    def fail(*_, **__):
        raise Exception("URL fetch failure")  # what Keras raises

    monkeypatch.setattr(keras.applications, "VGG19", fail)
    with pytest.raises(UserError, match=f"URL fetch failure.*Put {WEIGHTS_FILE} into .*models"):
        vgg19_features(["block1_conv1"])


def test_invalid_weight_files_are_named(tmp_path):
    file = tmp_path / "vgg.h5"
    file.write_text("no weights")
    with pytest.raises(UserError, match=r"vgg\.h5"):
        vgg19_features(["block1_conv1"], weights=str(file))


@pytest.mark.slow
def test_imagenet_weights_equal_keras_own_pipeline(vgg_weights, image):
    reference = keras.applications.VGG19(include_top=False, weights="imagenet")
    reference = keras.Model(reference.input, reference.get_layer("block5_conv4").output)
    expected = reference(keras.applications.vgg19.preprocess_input(image * 255.0))
    for weights in ("imagenet", vgg_weights):
        features = vgg19_features(["block5_conv4"], weights=weights)(image)["block5_conv4"]
        np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-3)


def test_perceptual_loss_grows_with_noise_and_has_a_gradient(vgg_weights, image):
    features = vgg19_features(["block5_conv4"])
    smooth = tf.image.resize(tf.random.stateless_uniform((1, 8, 8, 3), (0, 0)), (64, 64), "bicubic")
    losses = []
    for noise in (0.02, 0.1, 0.3):
        sr = smooth + noise * tf.random.stateless_normal(smooth.shape, (1, 1))
        with tf.GradientTape() as tape:
            tape.watch(sr)
            loss = perceptual_loss(smooth, sr, features, layer_weights={"block5_conv4": 1.0})
        losses.append(float(loss))
        assert np.abs(tape.gradient(loss, sr)).max() > 0
    assert losses == sorted(losses)
    assert losses[0] > 0


@pytest.mark.slow
def test_bfloat16_changes_the_gradient_less_than_rounding_to_uint8(vgg_weights):
    """VGG19 in half precision is acceptable if it changes the gradient less than rounding the pixels to uint8."""
    hr = np.stack([draw_picture(index, 96, 96) for index in range(4)]).astype(np.float32) / 255.0
    sr = np.stack([imresize(imresize(draw_picture(index, 96, 96), 24, 24), 96, 96) for index in range(4)]) / 255.0
    sr = (0.9 * sr + 0.1 * hr).astype(np.float32)
    gradients, losses = {}, {}
    for name, precision, picture in (
        ("float32", "float32", sr),
        ("bfloat16", "bfloat16", sr),
        ("uint8", "float32", np.round(sr * 255.0) / 255.0),
    ):
        features = vgg19_features(["block5_conv4"], weights=vgg_weights, precision=precision)
        picture = tf.constant(picture, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(picture)
            losses[name] = perceptual_loss(hr, picture, features, layer_weights={"block5_conv4": 1.0})
        gradients[name] = tape.gradient(losses[name], picture).numpy().ravel().astype(np.float64)
        assert features.output["block5_conv4"].dtype == "float32"

    def cosine(name):
        exact, other = gradients["float32"], gradients[name]
        return exact @ other / np.linalg.norm(exact) / np.linalg.norm(other)

    assert 0.98 < cosine("bfloat16") < 0.99999
    assert cosine("uint8") < cosine("bfloat16")
    assert float(losses["bfloat16"]) == pytest.approx(float(losses["float32"]), rel=0.02)
