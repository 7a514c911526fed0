#!/usr/bin/python3
"""Writes resnet.json and inception.json: ten steps of a small residual network, and of one of parallel branches, with batch
normalisation, by PyTorch (Debian 12's python3-torch, 1.13) in float64. Tests read the files only; run this again to change
what is covered, then commit all:

    /usr/bin/python3 tests/golden/generate_resnet.py

    layers, shape        of the network, in Lockstep's form, and of a sample, [channels, height, width]
    inputs, labels       [sample][value], channels last, and [sample]
    learning_rate, momentum
    initial, final       name -> {shape, values} of the parameters, and of the running statistics in `final`
    losses               of the batch of all samples, before each step
    evaluated            [sample][output] in evaluation mode, after the steps
"""

import torch
from golden import write_json
from torch import nn

SAMPLES, STEPS, CLASSES = 24, 10, 3

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


class Residual(nn.Sequential):
    def forward(self, x):
        return super().forward(x) + x


class ResidualDown(nn.Sequential):
    def forward(self, x):
        skip = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 4))
        return super().forward(x) + skip


def on_grid(*shape):
    return (torch.rand(shape, dtype=torch.float64) * 2 - 1).mul(256).round().div(256) + 0.0


def state(tensors):
    return {name: {"shape": list(t.shape), "values": t.detach().flatten().tolist()} for name, t in tensors}


class Concat(nn.ModuleList):
    def forward(self, x):
        return torch.cat([branch(x) for branch in self], 1)


class Add(nn.ModuleList):
    def forward(self, x):
        return sum(branch(x) for branch in self)


def write_training(file, layers, make_net):
    torch.manual_seed(1)
    net = make_net().double()
    for name, parameter in net.named_parameters():
        parameter.data = on_grid(*parameter.shape) / 2 + (1 if parameter.dim() == 1 and name.endswith("weight") else 0)
    initial = state(net.named_parameters())

    inputs = on_grid(SAMPLES, 3, 8, 6) * 4 + 1
    labels = torch.arange(SAMPLES) % CLASSES
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(inputs), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    buffers = [(name, t) for name, t in net.named_buffers() if not name.endswith("num_batches_tracked")]
    write_json(file, {
        "layers": layers, "shape": [3, 8, 6], "inputs": [row.flatten().tolist() for row in inputs.permute(0, 2, 3, 1)],
        "labels": labels.tolist(), "learning_rate": 0.05, "momentum": 0.9, "initial": initial,
        "final": state(net.named_parameters()) | state(buffers), "losses": losses,
        "evaluated": net.eval()(inputs).tolist()})


write_training(
    "resnet.json",
    "conv 4 3 pad=1 nobias, batch-norm, relu, "
    "residual(conv 4 3 pad=1 groups=2 nobias, batch-norm, silu, conv 4 3 pad=2 dilation=2, batch-norm), relu, "
    "residual(conv 8 3 stride=2 pad=1 nobias, batch-norm, relu, conv 8 3 pad=1 nobias, batch-norm, "
    "skip(subsample 2, pad-channels 8)), relu, avg-pool all, flatten, linear 3",
    lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
        Residual(nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False), nn.BatchNorm2d(4), nn.SiLU(),
                 nn.Conv2d(4, 4, 3, padding=2, dilation=2), nn.BatchNorm2d(4)), nn.ReLU(),
        ResidualDown(nn.Conv2d(4, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
                     nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, CLASSES)))
write_training(
    "inception.json",
    "conv 4 3 pad=1 nobias, batch-norm, silu, "
    "concat((conv 3 1), (conv 3 1 nobias, batch-norm, silu, conv 5 3 pad=1), (max-pool 3 stride=1 pad=1, conv 2 1)), tanh, "
    "add((conv 6 1), (conv 6 3 pad=1, silu), (batch-norm, conv 6 3 pad=2 dilation=2)), silu, avg-pool all, flatten, linear 3",
    lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.SiLU(),
        Concat([nn.Sequential(nn.Conv2d(4, 3, 1)),
                nn.Sequential(nn.Conv2d(4, 3, 1, bias=False), nn.BatchNorm2d(3), nn.SiLU(), nn.Conv2d(3, 5, 3, padding=1)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(4, 2, 1))]), nn.Tanh(),
        Add([nn.Sequential(nn.Conv2d(10, 6, 1)),
             nn.Sequential(nn.Conv2d(10, 6, 3, padding=1), nn.SiLU()),
             nn.Sequential(nn.BatchNorm2d(10), nn.Conv2d(10, 6, 3, padding=2, dilation=2))]), nn.SiLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, CLASSES)))
