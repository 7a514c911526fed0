#!/usr/bin/python3
"""Writes pictures.json: units for pictures, computed by PyTorch (Debian 12's python3-torch, 1.13) in float64. Tests read the
file only; run this again to change what is covered, then commit both:

    /usr/bin/python3 tests/golden/generate_pictures.py

A case has
    layers      in Lockstep's form          shape       of a sample, [channels, height, width]
    inputs      [row][value], channels last as Lockstep has them in memory
    initial     name -> {shape, values}, row-major, named and shaped as torch.nn.Sequential does
    outputs     [row][value]
    by_outputs  [row][value]: what is handed back as the gradient by the outputs
    gradient    name -> {shape, values}
Each network begins with a convolution, whose gradient shows what the units after it hand back.
"""

import torch
from golden import write_json
from torch import nn

ROWS = 3

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
torch.manual_seed(1)


def on_grid(*shape):
    return (torch.rand(shape, dtype=torch.float64) * 2 - 1).mul(256).round().div(256) + 0.0


def flat(tensor):
    return [row.flatten().tolist() for row in tensor.detach()]


def state(tensors):
    return {name: {"shape": list(t.shape), "values": t.detach().flatten().tolist()} for name, t in tensors}


def case(layers, shape, *units):
    net = nn.Sequential(*units).double()
    for parameter in net.parameters():
        parameter.data = on_grid(*parameter.shape) / 4
    x = on_grid(ROWS, *shape)
    y = net(x)
    by_outputs = on_grid(*y.shape)
    y.backward(by_outputs)
    return {"layers": layers, "shape": list(shape), "inputs": flat(x.permute(0, 2, 3, 1)),
            "initial": state(net.named_parameters()), "outputs": flat(y), "by_outputs": flat(by_outputs),
            "gradient": state((name, p.grad) for name, p in net.named_parameters())}


class Subsample(nn.Module):
    def forward(self, x):
        return x[:, :, ::2, ::2]


class PadChannels(nn.Module):
    def forward(self, x):
        return nn.functional.pad(x, (0, 0, 0, 0, 0, 7 - x.shape[1]))


write_json("pictures.json", {"cases": [
    case("conv 4 3, flatten", (1, 5, 6), nn.Conv2d(1, 4, 3), nn.Flatten()),
    case("conv 3 3 pad=1, tanh, conv 4 3 stride=2 pad=1, flatten", (2, 7, 6),
         nn.Conv2d(2, 3, 3, padding=1), nn.Tanh(), nn.Conv2d(3, 4, 3, 2, 1), nn.Flatten()),
    case("conv 3 1, conv 2 4 stride=3, flatten", (2, 9, 8), nn.Conv2d(2, 3, 1), nn.Conv2d(3, 2, 4, 3), nn.Flatten()),
    case("conv 4 2 pad=1 nobias, conv 6 3 pad=2 dilation=2 groups=2, flatten", (3, 6, 5),
         nn.Conv2d(3, 4, 2, padding=1, bias=False), nn.Conv2d(4, 6, 3, padding=2, dilation=2, groups=2), nn.Flatten()),
    case("conv 4 1, conv 4 3 stride=2 pad=2 groups=4, flatten", (1, 6, 7),
         nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 3, 2, 2, groups=4), nn.Flatten()),
    case("conv 12 3 pad=1, tanh, conv 5 3 pad=1, flatten", (1, 4, 15),
         nn.Conv2d(1, 12, 3, padding=1), nn.Tanh(), nn.Conv2d(12, 5, 3, padding=1), nn.Flatten()),
    case("conv 3 2, max-pool 2, flatten, linear 2", (1, 7, 6),
         nn.Conv2d(1, 3, 2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 2)),
    case("conv 3 2, max-pool 3 stride=2 pad=1, flatten", (2, 6, 6),
         nn.Conv2d(2, 3, 2), nn.MaxPool2d(3, 2, 1), nn.Flatten()),
    case("conv 3 2, avg-pool 2, flatten", (1, 6, 7), nn.Conv2d(1, 3, 2), nn.AvgPool2d(2), nn.Flatten()),
    case("conv 3 2, avg-pool 3 stride=1 pad=1, flatten", (2, 4, 5),
         nn.Conv2d(2, 3, 2), nn.AvgPool2d(3, 1, 1), nn.Flatten()),
    case("conv 3 2, avg-pool all, flatten, linear 2", (2, 4, 5),
         nn.Conv2d(2, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)),
    case("conv 3 2, subsample 2, pad-channels 7, flatten", (2, 6, 5),
         nn.Conv2d(2, 3, 2), Subsample(), PadChannels(), nn.Flatten()),
    case("conv 4 2, flatten, unflatten 2 3 8, conv 3 2, flatten", (1, 4, 5),
         nn.Conv2d(1, 4, 2), nn.Flatten(), nn.Unflatten(1, (2, 3, 8)), nn.Conv2d(2, 3, 2), nn.Flatten()),
]})
