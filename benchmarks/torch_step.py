"""`python -m benchmarks torch_step`: the training steps of `srgan_x4` in PyTorch, to compare with `benchmarks train`.

    pip install torch==2.13.0
    python -m benchmarks torch_step --batch-size 16 --hr-patch-size 96

The same networks (layer by layer), losses and joint step: one generator pass and one discriminator pass over the fakes
serve both updates. channels_last; on a GPU bfloat16 autocast and torch.compile as options. VGG19's weights are random,
which costs the same. Data is random and ready.
"""

import copy
import json

import torch
from torch import nn
from torch.nn import functional

from benchmarks import sizes
from benchmarks.timing import median_seconds
from srgan_tf.commands import cli

VGG19 = [64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512]


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x):
        return x + self.layers(x)


class Generator(nn.Module):
    def __init__(self, width=64, blocks=16):
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(3, width, 9, padding=4), nn.PReLU(width))
        self.trunk = nn.Sequential(
            *(Block(width) for _ in range(blocks)),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        upsamplers = []
        for _ in range(2):
            upsamplers += [nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(width)]
        self.tail = nn.Sequential(*upsamplers, nn.Conv2d(width, 3, 9, padding=4), nn.Tanh())

    def forward(self, lr):
        x = self.head(lr)
        return (self.tail(x + self.trunk(x)) + 1) / 2


def discriminator(side, width=64):
    layers = [nn.Conv2d(3, width, 3, padding=1), nn.LeakyReLU(0.2)]
    channels = width
    for filters, stride in ((1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2)):
        layers += [
            nn.Conv2d(channels, width * filters, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width * filters),
            nn.LeakyReLU(0.2),
        ]
        channels = width * filters
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(channels * (side // 16) ** 2, 1024), nn.LeakyReLU(0.2), nn.Linear(1024, 1)
    )


def vgg54():
    layers, channels = [], 3
    for filters in VGG19:
        layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU()] if filters else [nn.MaxPool2d(2)]
        channels = filters or channels
    return nn.Sequential(*layers).requires_grad_(False)


def timed_works(*, batch_size, hr_patch_size, bfloat16=False, compiled=False, upscaled_side=None):
    """The training steps, and upscaling, as functions to time.

    Args:
        batch_size: patches per step.
        hr_patch_size: side of an HR patch, pixels.
        bfloat16: autocast.
        compiled: by `torch.compile`.
        upscaled_side: side of the LR image that "upscale" enlarges; None for no "upscale".

    Returns:
        Functions of no arguments that return when the device is done, by the names "pretrain", "gan" and "upscale".
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    side = hr_patch_size
    generator, judge, features = (
        network.to(device, memory_format=torch.channels_last) for network in (Generator(), discriminator(side), vgg54())
    )
    average = copy.deepcopy(generator).requires_grad_(False)
    if compiled:
        # The graph of the fakes is walked twice, once for each network.
        torch._functorch.config.donated_buffer = False
        generator, judge, features = (torch.compile(network) for network in (generator, judge, features))
    lr = torch.rand(batch_size, 3, side // 4, side // 4, device=device).to(memory_format=torch.channels_last)
    hr = torch.rand(batch_size, 3, side, side, device=device).to(memory_format=torch.channels_last)
    g_optimizer = torch.optim.Adam(generator.parameters(), 1e-4, fused=True)
    d_optimizer = torch.optim.Adam(judge.parameters(), 1e-4, fused=True)
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=bfloat16)

    def move_average():
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(generator.parameters()), 1e-3)

    def pretrain_losses(lr, hr):
        with autocast:
            sr = generator(lr)
        return functional.mse_loss(sr.float(), hr)

    def gan_losses(lr, hr):
        with autocast:
            sr = generator(lr)
            real, fake = judge(hr), judge(sr)
            with torch.no_grad():
                hr_features = features(hr * 255 - 115)
            sr_features = features(sr * 255 - 115)
        perceptual = functional.mse_loss(sr_features.float() / 12.75, hr_features.float() / 12.75)
        total = perceptual + 1e-3 * functional.softplus(-fake.float()).mean()
        d_total = functional.softplus(-real.float()).mean() + functional.softplus(fake.float()).mean()
        return total, d_total

    def pretrain():
        g_optimizer.zero_grad()
        pretrain_losses(lr, hr).backward()
        g_optimizer.step()
        move_average()

    def gan():
        total, d_total = gan_losses(lr, hr)
        # Each network's gradient with the other as it was before the step.
        g_parameters, d_parameters = list(generator.parameters()), list(judge.parameters())
        g_gradients = torch.autograd.grad(total, g_parameters, retain_graph=True)
        d_gradients = torch.autograd.grad(d_total, d_parameters)
        for parameters, gradients in ((g_parameters, g_gradients), (d_parameters, d_gradients)):
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
        g_optimizer.step()
        d_optimizer.step()
        move_average()

    def upscale():
        generator.eval()
        with torch.inference_mode(), autocast:
            generator(picture)
        generator.train()

    works = {"pretrain": pretrain, "gan": gan}
    if upscaled_side:
        picture = torch.rand(1, 3, upscaled_side, upscaled_side, device=device).to(memory_format=torch.channels_last)
        works["upscale"] = upscale

    def waiting(work):
        def run():
            work()
            if device.type == "cuda":
                torch.cuda.synchronize()

        return run

    return {name: waiting(work) for name, work in works.items()}


def main(arguments):
    """Measures and prints.

    Args:
        arguments: the command line after the command's name.
    """
    parser = cli.Parser(__doc__, prog="python -m benchmarks torch_step")
    sizes.add_flags(parser)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--bfloat16", action="store_true", help="autocast")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    parser.add_argument("--upscale", type=int, metavar="SIDE", help="also upscale an LR image of SIDE x SIDE pixels")
    parser.add_argument("--json", action="store_true", help="print one line of JSON, seconds by name")
    flags = parser.parse_args(arguments)

    works = timed_works(
        batch_size=flags.batch_size,
        hr_patch_size=flags.hr_patch_size,
        bfloat16=flags.bfloat16,
        compiled=flags.compile,
        upscaled_side=flags.upscale,
    )
    kind = "bfloat16" if flags.bfloat16 else "float32"
    results = {"torch": torch.__version__, "precision": kind}
    for name, work in works.items():
        median = results[name] = median_seconds(work, flags.steps)
        if not flags.json:
            rate = f"  {flags.batch_size / median:.1f} patches/s" if name != "upscale" else ""
            print(f"torch {torch.__version__} {name:9} {kind} {median:.3f} s{rate}")
    if flags.json:
        print(json.dumps(results))
