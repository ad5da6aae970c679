"""Opens a page in the browser that upscales pictures on this computer, and serves the same as an HTTP API.

    srgan-tf web
    srgan-tf web --port 9000 --no-browser
    curl --data-binary @photo.jpg 'http://127.0.0.1:8000/upscale?model=photo_x4&scale=2' > big.png

Only this computer can connect, unless --host is given; then a token is needed, which is printed.
"""

import argparse
import ipaddress
import logging
import secrets
import socket
import tempfile
import threading
import time
import webbrowser

from srgan_tf.commands import cli
from srgan_tf.errors import UserError, missing_extra

_PORT = 8000
_LOOPBACK = "127.0.0.1"


def main():
    """Parses the flags and serves until it is interrupted."""
    parser = cli.Parser(__doc__, imports_tensorflow=False)  # the worker process does
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="MODEL",
        help="a run folder, a .keras file, an export or an included model: the default of the page; repeatable",
    )
    parser.add_argument("--port", type=_port, help=f"port; 0: any free one (default: {_PORT}, else any free one)")
    parser.add_argument(
        "--host",
        default=_LOOPBACK,
        help="address to listen on, such as 0.0.0.0 for all networks (default: %(default)s)",
    )
    parser.add_argument(
        "--allow-name",
        action="append",
        default=[],
        metavar="NAME",
        help="a host name under which the server may be reached, beside localhost; repeatable",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the page in the browser")
    parser.add_argument(
        "--keep", type=cli.positive_int, default=30, metavar="MINUTES", help="for results (default: 30)"
    )
    parser.add_argument(
        "--max-upload", type=cli.positive_int, default=64, metavar="MIB", help="bytes of a picture (default: 64 MiB)"
    )
    parser.add_argument(
        "--max-pixels", type=cli.positive_int, default=50, metavar="MILLION", help="pixels of a picture (default: 50)"
    )
    parser.add_argument(
        "--max-waiting",
        type=cli.positive_int,
        default=8,
        metavar="N",
        help="pictures that wait; more are refused with status 429 (default: 8)",
    )
    flags = parser.parse_args()
    try:
        import uvicorn

        from srgan_tf.web.app import create_app
    except ImportError as error:
        raise missing_extra("srgan-tf web", "web", error) from error
    from srgan_tf.web import options
    from srgan_tf.web.limits import Limits

    limits = Limits(
        body=flags.max_upload << 20, pixels=flags.max_pixels * 10**6, waiting=flags.max_waiting, kept=60.0 * flags.keep
    )
    listener = _listen(flags.host, flags.port)
    port = listener.getsockname()[1]
    is_open = not _is_loopback(flags.host)
    token = secrets.token_urlsafe(24) if is_open else None
    names = ["localhost", flags.host, *flags.allow_name, *(_own_names() if is_open else ())]
    app = create_app(options.models(flags.model), folder=tempfile.gettempdir(), limits=limits, names=names, token=token)
    url = f"http://{_in_url(_lan_address() if flags.host in ('0.0.0.0', '::') else flags.host)}:{port}/"
    opened = f"{url}?token={token}" if token else url
    print(f"srgan-tf web: {opened}  (Ctrl+C ends it)", flush=True)
    if is_open:
        print(
            f"warning: other computers can reach this server under {flags.host}:{port}. Connections are not encrypted; "
            "give the token only to people you trust, in networks you trust.",
            flush=True,
        )
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, ws="none", timeout_graceful_shutdown=1
        )
    )
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # warnings about requests that are not HTTP
    if not flags.no_browser:
        threading.Thread(target=_open, args=(server, opened), daemon=True).start()
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        print("stopped")


def _listen(host, port):
    """A listening socket; without a port, at 8000 or any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in [_PORT, 0] if port is None else [port]:
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(128)  # from now on connections wait: the address is printed before the server runs
        except OSError as error:
            listener.close()
            reason = error
            continue
        return listener
    where = host if port is None else f"{host}:{port}"
    raise UserError(f"cannot listen on {where}: {reason.strerror or reason}; give another --host or --port")


def _open(server, url):
    while not server.started:
        if server.should_exit:
            return
        time.sleep(0.05)
    webbrowser.open(url)


def _is_loopback(host):
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _lan_address():
    """The address of this computer in its network; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1, RFC 5737
        except OSError:
            return _LOOPBACK
        return probe.getsockname()[0]


def _own_names():
    name = socket.gethostname()
    return name, f"{name.split('.')[0]}.local", socket.getfqdn()


def _in_url(host):
    return f"[{host}]" if ":" in host else host


def _port(text):
    if not (text.isdecimal() and int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535 (received {text!r})")
    return int(text)
