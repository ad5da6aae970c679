"""The driver's decisions, with a pool that has no Ray; tests/cluster/test_cluster.py has the real one."""

import json

import pytest

from srgan_tf.cluster.actor import Options
from srgan_tf.cluster.driver import Work, upscale_folder
from srgan_tf.cluster.places import open_folder
from srgan_tf.cluster.plan import Picture
from srgan_tf.cluster.pool import Lost
from srgan_tf.cluster.record import Failures
from srgan_tf.errors import UserError, WorkError
from srgan_tf.photos.jobs import Result

KILLED, NODE_LOST = Lost("its process was killed", by_process=True), Lost("its node was lost", by_process=False)


class Pool:
    """Ends the oldest batch at each wait. `end` is a function of a batch that returns its results or a `Lost`."""

    def __init__(self, end, actors=3):
        self._end, self._actors = end, actors
        self._running, self.submitted, self.cleaned = [], [], []

    def has_idle(self):
        return len(self._running) < self._actors

    def is_running(self):
        return bool(self._running)

    def submit(self, batch):
        assert batch
        assert self.has_idle()
        self._running.append(batch)
        self.submitted.append([picture.source for picture in batch])

    def wait(self):
        batch = self._running.pop(0)
        return [(batch, self._end(batch))]

    def clean(self, folders):
        self.cleaned = folders


def done(batch):
    return [Result(f"{picture.target} done") for picture in batch]


def batches(*names):
    """Batches of pictures that have one letter as name."""
    return [[Picture(name, f"sub/{name}", 1) for name in batch] for batch in names]


@pytest.fixture
def run(tmp_path):
    """Function (pool, batches) that works through the batches; returns (lines, lines of failures.jsonl)."""
    source, target = open_folder(tmp_path / "in"), open_folder(tmp_path / "out")
    (tmp_path / "out/sub").mkdir(parents=True)

    def work(pool, groups, keeps_existing=True):
        lines, numbers = [], []
        with Failures(target) as failures:
            total = sum(map(len, groups))
            work = Work(pool, source, target, failures, total=total, report=lines.append, progress=numbers.append)
            work.run(iter(groups), keeps_existing=keeps_existing)
        assert numbers == list(range(1, total + 1))
        file = tmp_path / "out/failures.jsonl"
        return lines, [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    return work


def test_every_picture_is_done_once(run):
    pool = Pool(done)
    lines, failures = run(pool, batches("ab", "c", "de"))
    assert lines == [f"[{number}/5] sub/{name} done" for number, name in enumerate("abcde", 1)]
    assert failures == []
    assert pool.submitted == [["a", "b"], ["c"], ["d", "e"]]


def test_no_more_batches_are_taken_than_there_are_actors(tmp_path):
    taken = []

    def groups():
        for number in range(1000):
            taken.append(number)
            yield [Picture(str(number), str(number), 1)]

    class Watched(Pool):
        def wait(self):
            assert len(taken) - finished[-1] <= 4  # those of three actors and the one that is next
            return super().wait()

    finished = [0]
    with Failures(open_folder(tmp_path)) as failures:
        folder = open_folder(tmp_path)
        work = Work(Watched(done), folder, folder, failures, total=1000, report=len, progress=finished.append)
        work.run(groups(), keeps_existing=True)
    assert finished[-1] == 1000


def test_a_failed_picture_is_named_and_the_others_go_on(run):
    def end(batch):
        return [Result("failed: not an image", "not an image") if p.source == "b" else Result("done") for p in batch]

    lines, failures = run(Pool(end), batches("abc"))
    assert lines == ["[1/3] done", "[2/3] failed: not an image", "[3/3] done"]
    assert [(row["picture"].rpartition("/")[2], row["reason"]) for row in failures] == [("b", "not an image")]


def test_a_picture_that_kills_its_process_is_tried_twice_the_second_time_alone(run):
    pool = Pool(lambda batch: KILLED if "b" in [picture.source for picture in batch] else done(batch))
    lines, failures = run(pool, batches("abc", "d"))
    assert pool.submitted == [["a", "b", "c"], ["d"], ["a"], ["b"], ["c"]]
    (failure,) = failures
    assert failure["picture"].endswith("/in/b")
    assert failure["reason"] == f"{failure['picture']!r} was tried twice: its process was killed"
    assert [line.partition("] ")[2] for line in lines if "failed" in line] == [f"failed: {failure['reason']}"]
    assert pool.cleaned == ["sub"]


def test_what_was_finished_before_the_process_died_is_not_repeated(run, tmp_path):
    (tmp_path / "out/sub/a").touch()
    ends = iter([KILLED])
    pool = Pool(lambda batch: next(ends, None) or done(batch))
    lines, _ = run(pool, batches("ab"))
    assert pool.submitted == [["a", "b"], ["b"]]
    assert lines[0].endswith("sub/a  finished before its process died")
    ends = iter([KILLED])
    pool = Pool(lambda batch: next(ends, None) or done(batch))
    run(pool, batches("ab"), keeps_existing=False)  # the result may be of an earlier run
    assert pool.submitted == [["a", "b"], ["a"], ["b"]]


def test_pictures_of_a_lost_node_stay_together_and_are_not_blamed(run):
    ends = iter([NODE_LOST] * 3)
    pool = Pool(lambda batch: next(ends, None) or done(batch))
    lines, failures = run(pool, batches("ab"))
    assert pool.submitted == [["a", "b"]] * 4
    assert failures == []
    assert len(lines) == 2


def test_pictures_whose_node_is_lost_each_time_are_named(run):
    _, failures = run(Pool(lambda batch: NODE_LOST), batches("a"))
    assert failures[0]["reason"].endswith("was tried 4 times: its node was lost")


def test_a_full_disk_ends_the_run(run):
    full = Result("failed: no space", "cannot write 'c': No space left on device", disk_is_full=True)
    pool = Pool(lambda batch: [full] if batch[0].source == "c" else done(batch))
    with pytest.raises(WorkError, match=r"^cannot write 'c': No space left on device; 4 of 26 pictures are done$"):
        run(pool, batches(*"abcdefghijklmnopqrstuvwxyz"))
    assert len(pool.submitted) == 5  # those in flight were waited for


def test_processes_that_all_die_end_the_run(run):
    with pytest.raises(WorkError, match=r"^21 processes in a row died without a result: its process was killed$"):
        run(Pool(lambda batch: KILLED), batches(*"abcdefghijklmnopqrstuvwxyz"))


def options(tmp_path, **others):
    model = {"model": "bicubic", "other": None, "precision": "auto", "strength": None}
    return Options(str(tmp_path / "in"), str(tmp_path / "out"), "png", {**model, **others})


@pytest.fixture
def refused(tmp_path, picture_folder):
    """Function that upscales a folder on a cluster that does not exist; returns the error."""

    def upscale(existing="skip", **others):
        picture_folder.rename(tmp_path / "in") if picture_folder.exists() else None
        settings = {"cluster": "ray://nowhere:1", "cores": 1, "report": print, "started": print, "progress": print}
        with pytest.raises(UserError) as error:
            upscale_folder(options(tmp_path, **others), existing=existing, **settings)
        return str(error.value)

    return upscale


def test_folders_that_hold_other_results_are_refused(refused, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    assert "--cluster takes local, auto or HOST:PORT" in refused()  # all checks of the folders passed
    (output / "00.png").touch()
    assert "1 results exist" in refused()
    assert "left no record of its model: give another --output" in refused("overwrite")
    record = {"strength": 0.5, "precision": "float32", "format": "png", "animation": "first"}
    (output / ".srgan_tf_upscale.json").write_text(json.dumps(record))
    assert "holds results of another strength (0.5, now None)" in refused()
    assert "--cluster takes" in refused(strength=0.5)
    assert "--cluster takes" in refused("overwrite", strength=0.5)
    assert refused("refuse", strength=0.5).startswith("1 results exist, first")
    assert "another precision (float32, now bfloat16)" in refused(strength=0.5, precision="bfloat16")
    (output / ".srgan_tf_upscale.json").write_text("{")
    assert "is damaged" in refused()


def test_inputs_and_outputs_that_overlap(refused, tmp_path, picture_folder):
    refused()
    for source, target in ((tmp_path / "in", tmp_path), (f"file://{tmp_path}/in", f"file://{tmp_path}")):
        with pytest.raises(UserError, match="is or contains the input"):
            upscale_folder(
                options(tmp_path)._replace(source=str(source), target=str(target)),
                **{"cluster": "local", "cores": 1, "existing": "skip", "report": 0, "started": 0, "progress": 0},
            )
    with pytest.raises(UserError, match=r"no folder '.*missing': --cluster upscales a folder"):
        upscale_folder(
            options(tmp_path)._replace(source=str(tmp_path / "missing")),
            **{"cluster": "local", "cores": 1, "existing": "skip", "report": 0, "started": 0, "progress": 0},
        )
