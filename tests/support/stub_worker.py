"""A worker process without networks, for tests of the server: it enlarges with Pillow.

The first bytes of an upload that is not an image choose what it does: "crash" ends the process, "sleep" works until the
job is cancelled, and anything else fails.
"""

import json
import os
import sys
import threading
import time

from PIL import Image

STEPS = 5


def main():
    send_lock, cancelled, jobs, arrived = threading.Lock(), set(), [], threading.Semaphore(0)

    def send(job, **message):
        with send_lock:
            print(json.dumps({"id": job["id"], **message}), flush=True)

    def read():
        for line in sys.stdin:
            command = json.loads(line)
            if "cancel" in command:
                cancelled.add(command["cancel"])
            elif "preload" not in command:
                jobs.append(command)
                arrived.release()
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        arrived.acquire()
        job = jobs.pop(0)
        with open(job["input"], "rb") as file:
            start = file.read(5)
        if start == b"crash":
            print("the stub crashes", file=sys.stderr, flush=True)
            os.abort()
        if start == b"sleep":
            send(job, state="running", done=0.5, left=7)
            while job["id"] not in cancelled:
                time.sleep(0.01)
            send(job, state="cancelled")
            continue
        upscale(job, send)


def upscale(job, send):
    send(job, state="loading")
    begin = time.monotonic()
    try:
        image = Image.open(job["input"])
        image.load()
    except Exception:
        send(job, state="failed", status=422, error="cannot read this image")
        return
    for step in range(STEPS):
        left = (STEPS - step) * float(os.environ.get("STUB_STEP", "0.01"))
        send(job, state="running", done=step / STEPS, left=left)
        time.sleep(left / (STEPS - step))
    size = [round((job["scale"] or 4) * side) for side in image.size]
    if job["size"]:
        size = job["size"]
    image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(job["output"])
    has_before = image.format == "TIFF"
    if has_before:
        image.save(job["before"])
    seconds = time.monotonic() - begin
    send(job, state="done", input=image.size, size=size, seconds=seconds, notes=[], has_before=has_before)


if __name__ == "__main__":
    main()
