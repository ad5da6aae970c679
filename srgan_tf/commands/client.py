"""Upscales images with a model on TensorFlow Serving.

    srgan-tf client photo.jpg holiday/ --server http://localhost:8501 --model srgan --output upscaled

The results equal those of `srgan-tf upscale`. Images above the server's size limit are sent in tiles.
"""

from srgan_tf.commands import cli


def main():
    """Parses the flags, upscales, and prints where the results are."""
    parser = cli.Parser(__doc__)
    parser.add_argument(
        "pictures", nargs="+", metavar="PICTURE_OR_FOLDER", help="images, or folders, which are searched recursively"
    )
    parser.add_argument(
        "--server", required=True, help="http://HOST:8501 (REST) or grpc://HOST:8500; https and grpcs for TLS"
    )
    parser.add_argument("--model", required=True, help="name of the model on the server")
    parser.add_argument("--output", required=True, help="folder for the PNG files")
    parser.add_argument(
        "--version", type=cli.positive_int, metavar="N", help="version of the model (default: the newest)"
    )
    parser.add_argument(
        "--timeout", type=cli.positive_int, default=300, metavar="SECONDS", help="timeout of one request (default: 300)"
    )
    parser.add_argument(
        "--attempts",
        type=int,
        choices=range(1, 6),
        default=5,
        help="number of attempts if the server is unreachable (default: 5)",
    )
    flags = parser.parse_args()

    from srgan_tf.client.remote import RemoteUpscaler, connect
    from srgan_tf.files import make_folder
    from srgan_tf.photos.file_formats import folder_of, format_of
    from srgan_tf.photos.jobs import plan, run

    jobs = plan(flags.pictures, flags.output, format_of(flags.output) or "png")
    connection = connect(
        flags.server, flags.model, version=flags.version, timeout=flags.timeout, attempts=flags.attempts
    )
    upscaler = RemoteUpscaler(connection, flags.model)
    make_folder(folder_of(flags.output, flags.pictures))
    print(f"upscaling x{upscaler.scale} with {flags.model} at {flags.server}, pictures: {len(jobs)}")
    run(upscaler, jobs, lambda line: print(line, flush=True), server_limit=upscaler.max_pixels)
    print(f"done: {flags.output}")
