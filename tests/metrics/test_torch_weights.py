import collections
import pickle
import struct

import numpy as np
import pytest

from srgan_tf.metrics.torch_weights import read_weights


class Global:
    """Pickled as a reference to a name in torch, which need not be installed."""

    def __init__(self, name):
        self.name = name


class Pickler(pickle._Pickler):
    """Pickles as PyTorch does: names in torch by reference, storages by persistent id."""

    def persistent_id(self, value):
        return value[1] if isinstance(value, tuple) and value[:1] == ("persistent",) else None

    def save(self, value, save_persistent_id=True):
        if isinstance(value, Global):
            self.write(pickle.GLOBAL + f"{value.name}\n".encode())
        else:
            super().save(value, save_persistent_id)


def write(path, tensors, function="torch._utils _rebuild_tensor_v2"):
    """The old format by hand: `tensors` of names to (storage key, kind, values, offset, shape, strides)."""
    with open(path, "wb") as file:
        for header in (119547037146038801333356, 1001, {"little_endian": True}):
            pickle.dump(header, file, protocol=2)
        pickler = Pickler(file, protocol=2)
        pickler.write(pickle.PROTO + b"\x02" + pickle.EMPTY_DICT + pickle.MARK)
        for name, (key, kind, values, offset, shape, strides) in tensors.items():
            pickler.save(name)
            pickler.save(Global(function.replace(" ", "\n")))
            storage = ("persistent", ("storage", Global(f"torch\n{kind}"), key, "cpu", len(values)))
            pickler.save((storage, offset, shape, strides, False, collections.OrderedDict()))
            pickler.write(pickle.REDUCE)
        pickler.write(pickle.SETITEMS + pickle.STOP)
        file.flush()
        storages = {key: (kind, values) for key, kind, values, *_ in tensors.values()}
        pickle.dump(list(storages), file, protocol=2)
        for kind, values in storages.values():
            code = {"FloatStorage": "f", "LongStorage": "q"}[kind]
            file.write(struct.pack("<q", len(values)) + struct.pack(f"<{len(values)}{code}", *values))


def test_shapes_offsets_and_strides(tmp_path):
    values = [float(value) for value in range(8)]
    write(
        tmp_path / "w.pth",
        {
            "matrix": ("a", "FloatStorage", values, 2, (2, 3), (3, 1)),
            "transposed": ("a", "FloatStorage", values, 2, (3, 2), (1, 3)),
            "count": ("b", "LongStorage", [7], 0, (), ()),
        },
    )
    weights = read_weights(tmp_path / "w.pth")
    np.testing.assert_array_equal(weights["matrix"], [[2, 3, 4], [5, 6, 7]])
    np.testing.assert_array_equal(weights["transposed"], [[2, 5], [3, 6], [4, 7]])
    assert weights["matrix"].dtype == np.float32
    assert weights["count"] == 7


def test_only_tensors_are_unpickled(tmp_path):
    write(tmp_path / "w.pth", {"x": ("a", "FloatStorage", [1.0], 0, (1,), (1,))}, function="os system")
    with pytest.raises(pickle.UnpicklingError, match=r"not a tensor in the weights: os\.system"):
        read_weights(tmp_path / "w.pth")
