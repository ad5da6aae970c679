"""Actors on the nodes of a Ray cluster: where they start, what they work on, and what happens when one dies.

Ray restarts and repeats nothing here (`max_restarts=0`, `max_task_retries=0`): the driver has to know which pictures
were in flight when a process died, and starts a new actor in its place.
"""

import collections
import contextlib
import time
from typing import NamedTuple

from srgan_tf.cluster.actor import Refused, Upscaling
from srgan_tf.errors import UserError, WorkError, printable

_LOOK = 5.0  # seconds between looks at the list of nodes
_PATIENCE = 600.0  # seconds without any actor
_SAY = 20.0  # seconds without any actor before a line says so
_SHORT = 0.5
_STARTS = 3  # failed starts on a node before it is left out


class Lost(NamedTuple):
    """A batch whose actor died. `by_process`: its process ended while the node went on, and not the node."""

    reason: str
    by_process: bool


class _Actor(NamedTuple):
    node: str
    handle: object


def actors_on(resources, cores, *, with_gpu):
    """How many actors a node takes, and the cores of each.

    Args:
        resources: of the node, with "CPU" and "GPU".
        cores: wanted for an actor; a smaller node gets one actor with all of its cores.
        with_gpu: whether an actor takes a GPU. If the cluster has GPUs, only they are used.

    >>> actors_on({"CPU": 10.0}, 4, with_gpu=False), actors_on({"CPU": 2.0}, 4, with_gpu=False)
    ((2, 4), (1, 2))
    >>> actors_on({"CPU": 10.0, "GPU": 4.0}, 4, with_gpu=True), actors_on({"CPU": 8.0}, 4, with_gpu=True)
    ((4, 2), (0, 0))
    """
    cpus, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
    count = min(gpus, cpus) if with_gpu else cpus // max(1, min(cores, cpus))
    return (count, min(cores, cpus // count)) if count else (0, 0)


class Pool:
    """The actors of a run. Each has at most one batch at a time.

    Args:
        ray: the module, connected.
        options: `actor.Options`.
        cores: for an actor.
        most: number of actors.
        report: called with lines about nodes.
        work: class of the actors.
    """

    def __init__(self, ray, options, *, cores, most, report, work=Upscaling):
        self._ray, self._options, self._cores, self._most = ray, options, cores, most
        self._report = report
        self._remote = ray.remote(max_restarts=0, max_task_retries=0)(work)
        self._loading, self._running = {}, {}  # reference -> actor, reference -> (actor, batch)
        self._idle = collections.deque()
        self._left_out, self._failed_starts = {}, collections.Counter()
        self._first = None  # what the first actor reported
        self._next_look = 0.0
        self._without_actor_since, self._has_said_so = time.monotonic(), False

    def start(self, precision=None):
        """Starts actors and waits for the first model.

        Args:
            precision: of all actors; None: that of the first, for which the others wait.

        Returns:
            `actor.Loaded`.

        Raises:
            UserError: there is no such model, or an option is wrong.
            WorkError: no node takes an actor, or none can load the model.
        """
        self._precision = precision
        while self._first is None:
            self._look(most=1 if precision is None else self._most)
            for actor, loaded in self._loaded(self._ready()):
                if self._first is None and isinstance(loaded, Refused):
                    if loaded.is_mistake:
                        raise UserError(loaded.reason)
                elif self._first is None:
                    self._first, self._precision = loaded, loaded.precision
                self._take(actor, loaded)
        self._next_look = 0.0
        return self._first

    def places(self):
        """Number of actors that the nodes take."""
        return sum(count for _, count, _, _ in self._nodes())

    def has_idle(self):
        """Whether an actor waits for a batch."""
        return bool(self._idle)

    def is_running(self):
        """Whether a batch is in flight."""
        return bool(self._running)

    def submit(self, batch):
        """Gives a batch to an idle actor."""
        actor = self._idle.popleft()
        self._running[actor.handle.run.remote(batch)] = actor, batch

    def wait(self):
        """Waits until batches have ended, or for a few seconds; starts actors where there is room.

        Returns:
            List of (batch, list of results or `Lost`).

        Raises:
            WorkError: there has been no actor for ten minutes, or every node was left out.
        """
        self._look(self._most)
        ready = self._ready()
        for actor, loaded in self._loaded(ready):
            self._take(actor, loaded)
        return [self._end(reference) for reference in ready if reference in self._running]

    def clean(self, folders):
        """Removes unfinished files of killed processes from output folders, by one idle actor of each node."""
        actors = {actor.node: actor for actor in self._idle}.values()
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.get([actor.handle.clean.remote(folders) for actor in actors], timeout=60)

    def _nodes(self):
        """(id, number of actors, cores of each, whether each has a GPU) of the nodes."""
        alive = [node for node in self._ray.nodes() if node["Alive"]]
        with_gpu = any(node["Resources"].get("GPU", 0) >= 1 for node in alive)
        return [
            (node["NodeID"], *actors_on(node["Resources"], self._cores, with_gpu=with_gpu), with_gpu)
            for node in alive
            if node["NodeID"] not in self._left_out
        ]

    def _look(self, most):
        """Starts actors where nodes have room, and drops those whose node is gone."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK
        nodes = self._nodes()
        if self._left_out and not self._running and not any(count for _, count, _, _ in nodes):
            raise WorkError(f"no node can be used: {[*self._left_out.values()][-1]}")
        alive = {node for node, *_ in nodes}
        self._idle = collections.deque(actor for actor in self._idle if actor.node in alive)
        actors = [*self._idle, *self._loading.values(), *(actor for actor, _ in self._running.values())]
        here = collections.Counter(actor.node for actor in actors)
        room = [each for each in nodes for _ in range(each[1] - here[each[0]])]
        for node, _, cores, with_gpu in room[: max(0, most - len(actors))]:
            self._start(node, cores, with_gpu)

    def _start(self, node, cores, with_gpu):
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        handle = self._remote.options(
            num_cpus=cores,
            num_gpus=int(with_gpu),
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
        ).remote(self._options, cores)
        self._loading[handle.load.remote(self._precision)] = _Actor(node, handle)

    def _ready(self):
        """References that are ready, after a wait of at most some seconds."""
        now = time.monotonic()
        if self._idle or self._running:
            self._without_actor_since, self._has_said_so = now, False
        elif now - self._without_actor_since > _PATIENCE:
            raise WorkError(f"no node of the cluster had {self._cores} free cores for {_PATIENCE / 60:.0f} minutes")
        elif now - self._without_actor_since > _SAY and not self._has_said_so:
            self._has_said_so = True
            self._report("waiting for free cores in the cluster, and for the model to be loaded there")
        references = [*self._loading, *self._running]
        if not references:
            time.sleep(_SHORT)
            return []
        if not self._ray.wait(references, num_returns=1, timeout=_LOOK)[0]:
            return []
        return self._ray.wait(references, num_returns=len(references), timeout=0)[0]

    def _loaded(self, ready):
        """(actor, what it reports) of the actors whose model is loaded; one that died is started again."""
        for reference in ready:
            actor = self._loading.pop(reference, None)
            if actor is None:
                continue
            try:
                yield actor, self._ray.get(reference)
            except self._ray.exceptions.RayTaskError:  # a bug
                raise
            except self._ray.exceptions.RayError as error:
                self._next_look = 0.0
                self._failed_starts[actor.node] += 1
                if self._failed_starts[actor.node] == _STARTS:
                    self._leave_out(actor, f"processes do not start there: {_last_line(error)}")

    def _take(self, actor, loaded):
        """Uses an actor whose results are those of the first."""
        reason = loaded.reason if isinstance(loaded, Refused) else _difference(self._first, loaded)
        if reason is None:
            self._idle.append(actor)
        else:
            self._leave_out(actor, reason)

    def _leave_out(self, actor, reason):
        """Uses a node no more."""
        if actor.node not in self._left_out:
            self._report(f"note: a node is not used: {reason}")
        self._left_out[actor.node] = reason
        self._next_look = 0.0
        self._ray.kill(actor.handle)

    def _end(self, reference):
        """(batch, results or `Lost`) of a batch that has ended."""
        actor, batch = self._running.pop(reference)
        errors = self._ray.exceptions
        try:
            results = self._ray.get(reference)
        except errors.RayTaskError:  # a bug
            raise
        except errors.RayError as error:
            self._next_look = 0.0
            with contextlib.suppress(errors.RayError):
                self._ray.kill(actor.handle)  # it may only be out of reach
            if isinstance(error, errors.OutOfMemoryError):
                return batch, Lost("its node had no more memory", by_process=True)
            if isinstance(error, errors.ActorDiedError) and "node has died" not in str(error):
                return batch, Lost("its process was killed, perhaps for lack of memory", by_process=True)
            return batch, Lost("its node was lost", by_process=False)
        if isinstance(results, Refused):
            self._leave_out(actor, results.reason)
            return batch, Lost(results.reason, by_process=False)
        self._idle.append(actor)
        return batch, results


def _difference(first, loaded):
    """Why the results of an actor would differ from those of the first one; None if they would not."""
    changed = [name for name, checksum in first.files.items() if loaded.files[name] != checksum]
    return f"its {changed[0]} differs from that of the first node" if changed else None


def _last_line(error):
    """The last line of an exception's message: that of a traceback says what happened."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return printable(lines[-1] if lines else type(error).__name__)
