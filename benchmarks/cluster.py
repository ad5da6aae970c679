"""Upscaling on Ray nodes on this machine: pictures per second on one and on more nodes, and the cost of scheduling.

    python -m benchmarks cluster --pictures 400 --nodes 1 2
    python -m benchmarks cluster --jobs 100000 --per-batch 64

The first command upscales synthetic pictures by compact_x4 on nodes of one core each and compares the results with
those of one machine. The second gives actors pictures that they do not upscale: only plan, batches, Ray and results.
"""

import contextlib
import io
import logging
import os
import pathlib
import resource
import sys
import tempfile
import time

from srgan_tf.commands import cli
from srgan_tf.errors import WorkError

_log = logging.getLogger(__name__)
_NODE = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 << 20}


def main(arguments):
    """Measures, and logs the results.

    Args:
        arguments: the command line after the command's name.
    """
    parser = cli.Parser(__doc__, prog="python -m benchmarks cluster")
    parser.add_argument("--pictures", type=cli.positive_int, default=400, metavar="N", help="default: %(default)s")
    parser.add_argument("--side", type=cli.positive_int, default=128, metavar="PIXELS", help="default: %(default)s")
    parser.add_argument("--nodes", type=cli.positive_int, nargs="+", default=[1, 2], metavar="N", help="default: 1 2")
    parser.add_argument("--model", default="compact_x4", help="default: %(default)s")
    parser.add_argument("--jobs", type=cli.positive_int, metavar="N", help="measure the scheduling of N empty jobs")
    parser.add_argument("--per-batch", type=cli.positive_int, default=64, metavar="N", help="default: %(default)s")
    flags = parser.parse_args(arguments)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    root = pathlib.Path(__file__).parent.parent
    os.environ["PYTHONPATH"] = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    if flags.jobs is not None:
        _schedule(flags.jobs, flags.per_batch)
    else:
        _upscale(flags)


class Empty:
    """An actor that loads and upscales nothing."""

    def __init__(self, options, threads):
        pass

    def load(self, precision=None):
        from srgan_tf.cluster.actor import Loaded

        return Loaded("empty", 4, "none", "float32", {})

    def run(self, batch):
        from srgan_tf.photos.jobs import Result

        return [Result(f"{picture.target}  100x100 -> 400x400  0.0 s") for picture in batch]


def _schedule(jobs, per_batch):
    from srgan_tf.cluster.batches import batches
    from srgan_tf.cluster.connection import connected
    from srgan_tf.cluster.driver import Work
    from srgan_tf.cluster.places import open_folder
    from srgan_tf.cluster.plan import Picture
    from srgan_tf.cluster.pool import Pool
    from srgan_tf.cluster.record import Failures

    plan = (Picture(f"{index // 1000}/{index}.jpg", f"{index // 1000}/{index}.png", 1) for index in range(jobs))
    marks = {}

    def progress(done):
        if done in (jobs // 10, jobs):
            marks[done] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    with tempfile.TemporaryDirectory() as folder, connected("local") as ray, Failures(open_folder(folder)) as failures:
        place = open_folder(folder)
        pool = Pool(ray, None, cores=1, most=jobs, report=_log.info, work=Empty)
        pool.start()
        work = Work(pool, place, place, failures, total=jobs, report=len, progress=progress)
        start, work_start = time.perf_counter(), time.process_time()
        work.run(batches(plan, most_pictures=per_batch), keeps_existing=False)
        seconds, work_seconds = time.perf_counter() - start, time.process_time() - work_start
        number = -(-jobs // per_batch)
        _log.info(
            "%d jobs in batches of %d on %d actors: %.1f s, %.3f ms a job, %.2f ms a batch; CPU time of the driver "
            "%.3f ms a job, %.2f ms a batch; its peak memory %.0f MiB after a tenth, %.0f MiB after all",
            *(jobs, per_batch, pool.places()),
            *(seconds, 1e3 * seconds / jobs, 1e3 * seconds / number),
            *(1e3 * work_seconds / jobs, 1e3 * work_seconds / number),
            *marks.values(),
        )


def _upscale(flags):
    from PIL import Image

    from srgan_tf.data.synthetic import draw_picture

    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "in")
        source.mkdir()
        for index in range(flags.pictures):
            Image.fromarray(draw_picture(index, flags.side, flags.side)).save(source / f"{index:05d}.png")
        arguments = ["--model", flags.model, "--precision", "float32"]
        _run([str(source), "--output", f"{folder}/alone", *arguments])
        expected = _contents(f"{folder}/alone")
        rates = []
        for nodes in flags.nodes:
            rates.append(_rate(nodes, source, f"{folder}/{nodes}", arguments))
            if _contents(f"{folder}/{nodes}") != expected:
                raise WorkError(f"the results of {nodes} nodes are not those of one machine")
            _log.info(
                "%d nodes: %.2f pictures/s, %.2f times the first; results equal", nodes, rates[-1], rates[-1] / rates[0]
            )


def _rate(nodes, source, output, arguments):
    """Pictures per second between the first and the last result."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=_NODE)
    try:
        for _ in range(nodes - 1):
            cluster.add_node(**_NODE)
        _run([str(source), "--output", output, "--cluster", cluster.address, *arguments])
    finally:
        cluster.shutdown()
    times = sorted(path.stat().st_mtime for path in pathlib.Path(output).glob("*.png"))
    return (len(times) - 1) / (times[-1] - times[0])


def _run(arguments):
    from srgan_tf.commands import upscale

    before, sys.argv = sys.argv, ["upscale", *arguments]
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # without a line for each picture
            upscale.main()
    finally:
        sys.argv = before


def _contents(folder):
    return {path.name: path.read_bytes() for path in pathlib.Path(folder).glob("*.png")}
