from srgan_tf.data.sources import open_source
from srgan_tf.training.datasets import hold_out


def test_pictures_held_out_for_validation_are_not_trained_on(picture_folder):
    source = open_source(str(picture_folder), split="train", scale=4)
    train, valid = hold_out(source, 10)
    names = [[pair.name for pair in part] for part in (train, valid)]
    assert len(names[1]) == 1  # at most a tenth of twelve
    assert sorted(names[0] + names[1]) == [pair.name for pair in source]


def test_too_few_pictures_to_hold_one_out(picture_folder, caplog):
    source = open_source(str(picture_folder), split="train", scale=4).select(range(3))
    train, valid = hold_out(source, 10)
    assert (len(train), len(valid)) == (3, 1)
    assert "too few pictures" in caplog.text
