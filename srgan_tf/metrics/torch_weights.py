"""Reads weight files of `torch.save` from before PyTorch 1.6, without PyTorch."""

import collections
import pickle

import numpy as np

_DTYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "LongStorage": "<i8"}


def read_weights(path):
    """Reads a state dictionary.

    The file has five pickles (a magic number, a version, the machine, the tensors' offsets and shapes, the keys of the
    storages), followed by the storages, each as its length and its bytes. Only tensors are unpickled.

    Returns:
        Dictionary from names to arrays.

    Raises:
        pickle.UnpicklingError: the file has other objects than tensors.
    """
    with open(path, "rb") as file:
        for _ in range(3):
            _Unpickler(file).load()
        places = _Unpickler(file).load()
        storages = {}
        for key in _Unpickler(file).load():
            (length,) = np.frombuffer(file.read(8), "<i8")
            dtype = np.dtype(next(place.dtype for place in places.values() if place.key == key))
            storages[key] = np.frombuffer(file.read(int(length) * dtype.itemsize), dtype)
    return {
        name: np.lib.stride_tricks.as_strided(
            storages[place.key][place.offset :],
            place.shape,
            [step * storages[place.key].itemsize for step in place.steps],
        )
        for name, place in places.items()
    }


_Place = collections.namedtuple("_Place", "key dtype offset shape steps")


def _place(storage, offset, shape, steps, *_):
    return _Place(*storage, offset, shape, steps)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _place
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"not a tensor in the weights: {module}.{name}")

    def persistent_load(self, reference):
        _, dtype, key, *_ = reference
        return key, dtype
