"""Who may use the server: checks of Host, Origin and token, and headers that restrict the page."""

import hmac
import ipaddress
import urllib.parse

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse

COOKIE = "srgan_tf_token"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Access:
    """ASGI middleware that refuses requests of strangers, with a reason in JSON.

    A page of another site can send requests to 127.0.0.1 through the visitor's browser. Its own name, resolved to
    127.0.0.1 (DNS rebinding), is in Host, and its address is in Origin.

    Args:
        app: the ASGI application.
        names: host names that Host may have. IP addresses are always allowed: no other site has them as its name.
        token: that requests must have, as `Authorization: Bearer TOKEN`, as a cookie, or as `/?token=TOKEN`, which sets
            the cookie; None for no token.
    """

    def __init__(self, app, *, names, token):
        self._app = app
        self._names = {name.lower().rstrip(".") for name in names}
        self._token = token

    async def __call__(self, scope, receive, send):
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message):
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                added = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *(each for each in added if each[0] not in present)]
            await send(message)

        answer = self._refusal(scope) or self._app
        await answer(scope, receive, send_with_headers)

    def _refusal(self, scope):
        """The response to a request that is refused, or that brings the token; None for one that is allowed."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = host_of(headers.get("host", ""))
        if host not in self._names and not _is_address(host):
            return _error(421, f"the host name {host!r} is not one of this server")
        origin = headers.get("origin")
        if origin is not None and _place_of(origin) != headers.get("host", "").lower():
            return _error(403, f"requests of pages of {origin!r} are refused")
        if headers.get("sec-fetch-site") == "cross-site" and scope["method"] != "GET":
            return _error(403, "requests of pages of other sites are refused")
        if self._token is None:
            return None
        query = urllib.parse.parse_qs(scope["query_string"].decode("latin-1"))
        if scope["path"] == "/" and "token" in query and self._is_right(query["token"][0]):
            response = RedirectResponse("/", status_code=303)
            response.set_cookie(COOKIE, self._token, httponly=True, samesite="strict", max_age=30 * 86_400)
            return response
        given = [
            headers.get("authorization", "").removeprefix("Bearer "),
            HTTPConnection(scope).cookies.get(COOKIE, ""),
        ]
        if any(map(self._is_right, given)):
            return None
        return _error(
            401,
            "a token is needed: open the address that srgan-tf web printed, or send the header "
            "Authorization: Bearer TOKEN",
            {"WWW-Authenticate": "Bearer"},
        )

    def _is_right(self, token):
        return hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._token.encode())


def _error(status, reason, headers=None):
    return JSONResponse({"error": reason}, status_code=status, headers=headers)


def _place_of(origin):
    """The host and port of an Origin header; "" if it is not valid."""
    try:
        return urllib.parse.urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def host_of(header):
    """The host of a Host header, without its port.

    >>> host_of("[::1]:8000"), host_of("Localhost:8000"), host_of("127.0.0.1")
    ('::1', 'localhost', '127.0.0.1')
    """
    try:
        return (urllib.parse.urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(host):
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
