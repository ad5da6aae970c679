import sys

import pytest

from srgan_tf.cluster.connection import connected
from srgan_tf.errors import UserError


def connect(address):
    with connected(address):
        pytest.fail("connected")


def test_a_head_that_is_not_there():
    with pytest.raises(UserError, match=r"^no Ray cluster at '127.0.0.1:1': .*refused"):
        connect("127.0.0.1:1")


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "head:", "", "head:123456"])
def test_addresses(address):
    with pytest.raises(UserError, match=r"^--cluster takes local, auto or HOST:PORT \(received "):
        connect(address)


def test_ray_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        UserError,
        match=r"^--cluster needs pip install '\.\[cluster\]' in the checkout of srgan_tf \(no module 'ray'\)$",
    ):
        connect("local")
