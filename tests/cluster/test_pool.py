"""Actors on nodes, with a stand-in for Ray that answers at once."""

import sys
import types

import pytest

from srgan_tf.cluster import pool as pool_module
from srgan_tf.cluster.actor import Loaded, Refused
from srgan_tf.cluster.pool import Lost, Pool
from srgan_tf.errors import UserError, WorkError

LOADED = Loaded("network", 4, "CPU", "float32", {"model file": "abc"})


class Errors:
    class RayError(Exception):
        pass

    class RayTaskError(RayError):
        pass

    class ActorDiedError(RayError):
        pass

    class OutOfMemoryError(RayError):
        pass


class Ray:
    """Nodes are {id: what the actors there answer when they load}; an answer that is an exception is raised."""

    exceptions = Errors

    def __init__(self, nodes, cores=1, gpus=()):
        self.answers, self.cores, self.killed, self.dead = nodes, cores, [], set()
        self.gpus = dict(gpus)  # of nodes
        self.ends = []  # what the next batches end with

    def nodes(self):
        return [
            {
                "NodeID": node,
                "Alive": node not in self.dead,
                "Resources": {"CPU": float(self.cores), "GPU": self.gpus.get(node, 0.0)},
            }
            for node in self.answers
        ]

    def remote(self, **settings):
        assert settings == {"max_restarts": 0, "max_task_retries": 0}
        return lambda work: types.SimpleNamespace(options=self._options)

    def _options(self, *, num_cpus, num_gpus, scheduling_strategy):
        node = scheduling_strategy

        def method(answer):
            return types.SimpleNamespace(remote=lambda *arguments: Reference([answer(*arguments)]))

        handle = types.SimpleNamespace(
            node=node,
            load=method(lambda precision: self.answers[node]),
            run=method(lambda batch: self.ends.pop(0) if self.ends else [f"{node}: {name}" for name in batch]),
        )
        return types.SimpleNamespace(remote=lambda options, threads: handle)

    def wait(self, references, *, num_returns, timeout):
        return references[:num_returns], references[num_returns:]

    def get(self, reference):
        if isinstance(reference[0], Exception):
            raise reference[0]
        return reference[0]

    def kill(self, handle):
        self.killed.append(handle.node)


class Reference(list):
    """Answers are lists, so that `[answer]` can be a key of a dictionary."""

    __hash__ = object.__hash__


@pytest.fixture
def start(monkeypatch):
    """Function (ray, most) -> (pool, lines)."""
    strategies = types.SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: node)
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "ray.util", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "ray.util.scheduling_strategies", strategies)
    monkeypatch.setattr(pool_module, "_LOOK", 0)
    monkeypatch.setattr(pool_module, "_SHORT", 0)

    def make(ray, most=100):
        lines = []
        return Pool(ray, None, cores=1, most=most, report=lines.append), lines

    return make


def results(pool, *batches):
    """Ends of some batches, each submitted when an actor is idle."""
    waiting, ended = list(batches), []
    while len(ended) < len(batches):
        while pool.has_idle() and waiting:
            pool.submit(waiting.pop(0))
        ended += pool.wait()
    return ended


def test_every_node_works(start):
    pool, lines = start(Ray({"a": LOADED, "b": LOADED}))
    assert pool.start() == LOADED
    assert pool.places() == 2
    pool.wait()
    ended = results(pool, ["1"], ["2"])
    assert sorted(text for _, texts in ended for text in texts) == ["a: 1", "b: 2"]
    assert lines == []


def test_no_more_actors_than_pictures(start):
    pool, _ = start(Ray({"a": LOADED}, cores=8), most=3)
    pool.start()
    for _ in range(5):
        pool.wait()
    for number in range(3):
        pool.submit([str(number)])
    assert not pool.has_idle()


@pytest.mark.parametrize(
    ("is_mistake", "error", "message"),
    [(True, UserError, r"^no model 'x'$"), (False, WorkError, r"^no node can be used: no model 'x'$")],
)
def test_a_model_that_no_actor_can_load(start, is_mistake, error, message):
    pool, _ = start(Ray({"a": Refused("no model 'x'", is_mistake)}))
    with pytest.raises(error, match=message):
        pool.start()


@pytest.mark.parametrize("nodes", ["ab", "ba"])
def test_the_node_that_answers_first_may_be_one_that_cannot_be_used(start, nodes):
    answers = {"a": LOADED, "b": Refused("no folder 'x'", False)}
    pool, lines = start(Ray({node: answers[node] for node in nodes}))
    assert pool.start() == LOADED
    pool.wait()
    assert results(pool, ["1"]) == [(["1"], ["a: 1"])]
    assert lines == ["note: a node is not used: no folder 'x'"]


def test_nodes_without_a_gpu_do_not_count_where_others_have_one(start):
    ray = Ray({"gpu": LOADED, "head": LOADED}, gpus={"gpu": 1.0})
    pool, _ = start(ray)
    assert pool.start() == LOADED
    assert pool.places() == 1
    ray.ends = [Refused("the output folder is not shared", False)]
    with pytest.raises(WorkError, match="no node can be used: the output folder is not shared"):
        results(pool, ["1"], ["2"])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Refused("no folder", False), "no folder"),
        (LOADED._replace(files={"model file": "other"}), "its model file differs from that of the first node"),
        (
            Errors.ActorDiedError("Traceback\n\nModuleNotFoundError: srgan_tf"),
            "processes do not start there: ModuleNotF",
        ),
    ],
)
def test_nodes_that_cannot_be_used_are_left_out(start, answer, reason):
    ray = Ray({"a": LOADED, "b": answer})
    pool, lines = start(ray)
    pool.start()
    for _ in range(5):
        pool.wait()
    assert len(lines) == 1
    assert lines[0].startswith(f"note: a node is not used: {reason}")
    assert pool.places() == 1
    assert results(pool, ["1"], ["2"]) == [(["1"], ["a: 1"]), (["2"], ["a: 2"])]


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (
            Errors.ActorDiedError("worker process has died"),
            Lost("its process was killed, perhaps for lack of memory", True),
        ),
        (Errors.OutOfMemoryError("95 %"), Lost("its node had no more memory", True)),
        (Errors.ActorDiedError("The actor died because its node has died."), Lost("its node was lost", False)),
        (Errors.RayError("unavailable"), Lost("its node was lost", False)),
    ],
)
def test_an_actor_that_died_is_replaced(start, error, lost):
    ray = Ray({"a": LOADED})
    ray.ends = [error]
    pool, _ = start(ray)
    pool.start()
    assert results(pool, ["1"], ["2"]) == [(["1"], lost), (["2"], ["a: 2"])]
    assert ray.killed == ["a"]


def test_all_actors_start_at_once_if_the_precision_is_known(start):
    pool, _ = start(Ray({"a": LOADED, "b": LOADED, "c": LOADED._replace(files={"model file": "other"})}))
    pool.start("float32")
    pool.submit(["1"])
    pool.submit(["2"])
    assert not pool.has_idle()


def test_a_node_that_does_not_share_the_output_is_left_out(start):
    ray = Ray({"a": LOADED, "b": LOADED})
    ray.ends = [Refused("not shared", False)]
    pool, lines = start(ray)
    pool.start("float32")
    assert results(pool, ["1"])[0] == (["1"], Lost("not shared", by_process=False))
    assert lines == ["note: a node is not used: not shared"]
    assert results(pool, ["1"], ["2"]) == [(["1"], ["b: 1"]), (["2"], ["b: 2"])]


def test_a_bug_is_raised(start):
    ray = Ray({"a": LOADED})
    ray.ends = [Errors.RayTaskError("ZeroDivisionError")]
    pool, _ = start(ray)
    pool.start()
    with pytest.raises(Errors.RayTaskError):
        results(pool, ["1"])


def test_idle_actors_of_a_dead_node_get_no_batch(start):
    ray = Ray({"a": LOADED, "b": LOADED})
    pool, _ = start(ray)
    pool.start()
    pool.wait()
    ray.dead.add("a")
    pool.wait()
    assert results(pool, ["1"], ["2"]) == [(["1"], ["b: 1"]), (["2"], ["b: 2"])]


def test_a_cluster_without_free_cores(start, monkeypatch):
    monkeypatch.setattr(pool_module, "_SAY", 0.0)
    pool, lines = start(Ray({"a": LOADED}, cores=0))
    # The second look is too late.
    monkeypatch.setattr(pool_module.time, "sleep", lambda _: monkeypatch.setattr(pool_module, "_PATIENCE", 0.0))
    with pytest.raises(WorkError, match=r"^no node of the cluster had 1 free cores for 0 minutes$"):
        pool.start()
    assert lines == ["waiting for free cores in the cluster, and for the model to be loaded there"]
