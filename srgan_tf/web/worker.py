"""The worker process: upscales the images that the server sends to it, one after the other.

It reads commands from its standard input and writes messages to its standard output, one JSON object a line. It ends
when its input ends, so it never outlives the server.
"""

import collections
import json
import os
import queue
import sys
import threading
import time

from srgan_tf.errors import UserError, WorkError, first_line
from srgan_tf.images.plugins import TooLargeError

_MODELS = 2  # networks in memory
_WARM_UP = 64  # side of the image that is upscaled after loading: the first one takes longer
# Images that browsers show; others get a PNG beside the result.
_SHOWN = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF", "MPO")


class CancelledError(Exception):
    """Raised inside a job that nobody waits for any more."""


class RefusedError(Exception):
    """A job that cannot be done, with the HTTP status that says why."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


class Upscaling:
    """Does the jobs; keeps the networks that were used last.

    Args:
        send: function of a message, a dictionary.
        is_cancelled: function of a job's id.
    """

    def __init__(self, send, is_cancelled):
        self._send = send
        self._is_cancelled = is_cancelled
        self._upscalers = collections.OrderedDict()
        self._speeds = {}  # model -> seconds per input pixel

    def run(self, job):
        """Does a job and sends its messages; the last has the state "done", "failed" or "cancelled"."""
        try:
            message = self._upscale(job)
        except CancelledError:
            message = {"state": "cancelled"}
        except RefusedError as error:
            message = {"state": "failed", "status": error.status, "error": str(error)}
        except (UserError, WorkError) as error:
            text = str(error).replace(f"the image {job['input']!r}", "this image").replace(repr(job["input"]), "it")
            text = text.replace(repr(job["output"]), "the result")
            status = 413 if isinstance(error.__cause__, TooLargeError) else 422
            message = {"state": "failed", "status": status, "error": text}
        except MemoryError:
            message = {"state": "failed", "status": 507, "error": "not enough memory for this picture"}
        except OSError as error:  # a full disk
            message = {"state": "failed", "status": 507, "error": error.strerror or first_line(error)}
        self._send({"id": job["id"], **message})

    def preload(self, model):
        """Loads a model, so that the first job need not wait for it."""
        try:
            self._load(model, None, None)
        except (UserError, WorkError) as error:
            self._send({"state": "failed", "error": str(error)})

    def _upscale(self, job):
        from srgan_tf.photos.formats import read_photo
        from srgan_tf.photos.upscale import Enlargement, upscale_photo

        box = tuple(job["size"]) if job["size"] else None
        enlargement = Enlargement(job["scale"], box)
        kind = self._check_input(job)
        self._send({"id": job["id"], "state": "loading"})
        upscaler = self._load(job["model"], job["strength"], job["scale"])
        photo = read_photo(job["input"], max_pixels=job["pixels"])
        height, width = photo.colour.shape[:2]
        size = enlargement.size(width, height, upscaler.scale)
        if size[0] * size[1] > job["result_pixels"]:
            raise RefusedError(
                413,
                f"the result would have {size[0]}x{size[1]} pixels, more than {job['result_pixels'] / 1e6:g} million: "
                "choose a smaller factor or size",
            )
        if kind not in _SHOWN:
            _write_preview(photo, job["before"])
        key, start = (job["model"], job["strength"]), time.monotonic()

        def report(share):
            if self._is_cancelled(job["id"]):
                raise CancelledError
            passed = time.monotonic() - start
            if share > 0:
                self._speeds[key] = passed / (share * width * height)
            left = self._speeds[key] * width * height - passed if key in self._speeds else None
            self._send({"id": job["id"], "state": "running", "done": share, "left": left})

        report(0)
        upscale_photo(upscaler, photo, job["output"], enlargement=enlargement, progress=report)
        return {
            "state": "done",
            "input": [width, height],
            "size": size,
            "seconds": time.monotonic() - start,
            "notes": list(photo.notes),
            "has_before": kind not in _SHOWN,
        }

    def _check_input(self, job):
        """Reads the header of the image; returns its format."""
        from srgan_tf.images.pictures import open_image

        with open_image(job["input"], pillow_limit=False, plugin_limit=job["pixels"]) as (file, _):
            width, height, kind = *file.size, file.format
        if width * height > job["pixels"]:
            raise RefusedError(
                413, f"the picture has {width}x{height} pixels, more than {job['pixels'] / 1e6:g} million"
            )
        return kind

    def _load(self, model, strength, scale):
        import numpy as np

        from srgan_tf.inference.assembly import assemble_upscaler

        key = (model, strength, scale if model == "bicubic" else None)
        if key not in self._upscalers:
            while len(self._upscalers) >= _MODELS:
                self._upscalers.popitem(last=False)
            upscaler = assemble_upscaler(model, factor=scale, strength=strength)
            grey = np.full((_WARM_UP, _WARM_UP, 3), 0.5, np.float32)
            upscaler.upscale(grey)
            start = time.monotonic()
            upscaler.upscale(grey)
            self._speeds.setdefault((model, strength), (time.monotonic() - start) / _WARM_UP**2)
            self._upscalers[key] = upscaler
        self._upscalers.move_to_end(key)
        return self._upscalers[key]


def _write_preview(photo, path):
    """Writes an image as an 8-bit PNG, which every browser shows."""
    import numpy as np

    from srgan_tf.photos.writing import write_photo

    layers = [photo.colour] if photo.alpha is None else [photo.colour, photo.alpha]
    picture = np.concatenate(layers, axis=2)
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    height, width, channels = picture.shape
    metadata = {key: value for key, value in photo.metadata.items() if key == "icc_profile"}
    write_photo(path, [picture], width=width, height=height, channels=channels, bits=8, metadata=metadata)


def main():
    """Reads commands until the input ends: jobs, {"preload": MODEL} and {"cancel": ID}."""
    # Only messages go to the server; what libraries print goes to the error stream.
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _prefer_for_killing()
    jobs, cancelled, lock = queue.SimpleQueue(), set(), threading.Lock()

    def send(message):
        with lock:
            output.write(json.dumps(message) + "\n")
            output.flush()

    def read():
        for line in sys.stdin:
            command = json.loads(line)
            if "cancel" in command:
                cancelled.add(command["cancel"])
            else:
                jobs.put(command)
        os._exit(0)  # also in the middle of a job

    threading.Thread(target=read, daemon=True).start()
    upscaling = Upscaling(send, cancelled.__contains__)
    while True:
        command = jobs.get()
        if "preload" in command:
            upscaling.preload(command["preload"])
        else:
            cancelled.intersection_update({command["id"]})
            upscaling.run(command)


def _prefer_for_killing():
    """Makes Linux end this process, and not the server, when the memory of the machine is exhausted."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("800")
    except OSError:  # other systems
        pass


if __name__ == "__main__":
    main()
