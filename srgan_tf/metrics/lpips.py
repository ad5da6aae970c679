"""LPIPS, the learned perceptual distance that papers tabulate (Zhang et al. 2018), through its authors' package."""

import numpy as np

from srgan_tf.errors import UserError, first_line


def load_lpips():
    """LPIPS (version 0.1, AlexNet) as a function of two pictures.

    Returns:
        Function of `(hr, sr)`, two uint8 [height, width, 3] pictures of one size, to a float; lower is better, 0 for
        equal pictures.

    Raises:
        UserError: the package is not installed, or its AlexNet weights can be neither found nor downloaded.
    """
    try:
        import lpips
        import torch
    except Exception as error:  # absent, or builds of torch and torchvision that do not fit each other
        raise UserError(
            f"lpips needs packages that cannot be imported ({first_line(error)}): pip install lpips torch torchvision"
        ) from error
    try:
        network = lpips.LPIPS(net="alex", verbose=False)
    except Exception as error:  # torchvision raises of many kinds without a network
        raise UserError(
            f"lpips cannot load AlexNet ({first_line(error)}): where there is no network, put torchvision's "
            "alexnet-owt-7be5be79.pth into ~/.cache/torch/hub/checkpoints"
        ) from error

    def distance(hr, sr):
        both = np.stack([hr, sr]).transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
        with torch.no_grad():
            reference, estimate = torch.from_numpy(both).split(1)
            return float(network(reference, estimate))

    return distance
