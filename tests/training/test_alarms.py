import logging

from srgan_tf.training.alarms import Alarms


def states(alarms, name, reports):
    return [alarms.check(report)[f"alarm/{name}"] for report in reports]


def test_a_discriminator_that_is_always_right(caplog):
    caplog.set_level(logging.INFO)
    alarms = Alarms()
    reports = [{"accuracy/real": 1.0, "accuracy/fake": 0.999}] * 12 + [{"accuracy/real": 0.9, "accuracy/fake": 1.0}]
    assert states(alarms, "discriminator", reports) == [0.0] * 9 + [1.0] * 3 + [0.0]
    assert caplog.text.count("the discriminator classifies all images correctly") == 1
    assert caplog.text.count("alarm over: discriminator") == 1


def test_a_discriminator_that_is_always_wrong_or_right_for_one_class_only():
    assert states(Alarms(), "discriminator", [{"accuracy/real": 0.0, "accuracy/fake": 0.0}] * 10)[-1] == 1.0
    assert states(Alarms(), "discriminator", [{"accuracy/real": 1.0, "accuracy/fake": 0.5}] * 10)[-1] == 0.0


def test_a_generator_that_saturates():
    reports = [{"sr/saturated": share} for share in (0.2, 0.2, 0.05, 0.2, 0.2, 0.2)]
    assert states(Alarms(), "saturation", reports) == [0.0] * 5 + [1.0]


def test_colours_that_drift(caplog):
    alarms = Alarms()
    assert states(alarms, "colour_drift", [{"eval/colour_drift": 1.9}, {"eval/colour_drift": 2.1}]) == [0.0, 1.0]
    assert "differs from the input by 2.1 grey levels" in caplog.text


def test_alarms_without_their_scalars_do_not_change():
    assert Alarms().check({"loss/generator/total": 1.0}) == {}
