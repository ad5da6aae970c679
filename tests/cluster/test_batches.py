from srgan_tf.cluster.batches import batches
from srgan_tf.cluster.plan import Picture


def sizes(groups):
    return [[picture.pixels for picture in batch] for batch in groups]


def pictures(*pixels):
    return [Picture(f"{index}.png", f"{index}.png", number) for index, number in enumerate(pixels)]


def test_large_pictures_are_alone_and_first():
    assert sizes(batches(pictures(10, 300, 40, 60, 50), most_pixels=100)) == [[300], [60], [50, 40, 10]]


def test_number_of_pictures_in_a_batch():
    assert sizes(batches(pictures(1, 1, 1, 1, 1), most_pictures=2)) == [[1, 1], [1, 1], [1]]


def test_the_plan_is_read_one_window_at_a_time():
    read = []

    def plan():
        for picture in pictures(*range(1, 11)):
            read.append(picture)
            yield picture

    groups = batches(plan(), window=4, most_pixels=5)
    assert [picture.pixels for picture in next(groups)] == [4]
    assert len(read) == 4
    assert sizes(groups) == [[3, 2], [1], [8], [7], [6], [5], [10], [9]]


def test_no_picture_gives_no_batch():
    assert sizes(batches([])) == []
