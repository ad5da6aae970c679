import sys
import types

import numpy as np
import pytest

from srgan_tf.errors import UserError
from srgan_tf.metrics.lpips import load_lpips


class FakeTensor(np.ndarray):
    """The part of torch.Tensor that the adapter uses."""

    def split(self, size):
        return [self[start : start + size] for start in range(0, len(self), size)]


@pytest.fixture
def fake_packages(monkeypatch):
    """Stands in for torch and lpips, which are optional: the distance is the mean difference of red."""
    torch = types.ModuleType("torch")
    torch.from_numpy = lambda array: array.view(FakeTensor)
    torch.no_grad = lambda: __import__("contextlib").nullcontext()
    lpips = types.ModuleType("lpips")
    lpips.LPIPS = lambda net, verbose: lambda hr, sr: np.mean(sr[:, 0] - hr[:, 0])
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "lpips", lpips)
    return lpips


def test_images_are_converted_for_the_package(fake_packages):
    hr, sr = np.zeros((2, 9, 7, 3), np.uint8)
    sr[..., 0] = 255  # red: the first channel, and 255 is 1 where 0 is -1
    assert load_lpips()(hr, sr) == pytest.approx(2.0)


def test_unavailable_weights_are_named(fake_packages):
    def fail(net, verbose):
        raise OSError("no route to host")

    fake_packages.LPIPS = fail
    with pytest.raises(UserError, match=r"no route to host.*alexnet-owt-7be5be79\.pth"):
        load_lpips()


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(UserError, match="pip install lpips torch torchvision"):
        load_lpips()
