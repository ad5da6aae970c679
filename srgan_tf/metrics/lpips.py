"""LPIPS, a learned perceptual distance (Zhang et al. 2018), by the authors' package."""

import numpy as np

from srgan_tf.errors import UserError, first_line


def load_lpips():
    """LPIPS (version 0.1, AlexNet) as a function of two images.

    Returns:
        Function of `(hr, sr)`, two uint8 [height, width, 3] images of the same size, to a float; lower is better, 0 for
        equal images.

    Raises:
        UserError: the package is not installed, or its AlexNet weights are neither cached nor downloadable.
    """
    try:
        import lpips
        import torch
    except Exception as error:  # not installed, or incompatible builds of torch and torchvision
        raise UserError(
            f"lpips needs packages that cannot be imported ({first_line(error)}): pip install lpips torch torchvision"
        ) from error
    try:
        network = lpips.LPIPS(net="alex", verbose=False)
    except Exception as error:  # torchvision raises various exceptions when offline
        raise UserError(
            f"lpips cannot load AlexNet ({first_line(error)}): without a network connection, put torchvision's "
            "alexnet-owt-7be5be79.pth into ~/.cache/torch/hub/checkpoints"
        ) from error

    def distance(hr, sr):
        both = np.stack([hr, sr]).transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
        with torch.no_grad():
            reference, estimate = torch.from_numpy(both).split(1)
            return float(network(reference, estimate))

    return distance
