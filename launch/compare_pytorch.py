"""The PyTorch side of compare_pytorch.sh: trains one network and prints the seconds of a step.

    compare_pytorch.py NETWORK BATCH STEPS RANKS    as 784,1024,1024,10 256 50 2

NETWORK is the features between the layers of a multi-layer perceptron, or the name of one below; BATCH is global. With RANKS above 1 as many processes train with
DistributedDataParallel over gloo, one thread each; with RANKS 0 one process uses all the cores it may. The data stand in
memory as normalised floats; a step takes a batch of them, forward, backward and SGD with momentum.
"""

import os
import statistics
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

SAMPLES, WARM_UP = 8192, 5


def perceptron(widths):
    layers = []
    for before, after in zip(widths, widths[1:]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def cnn():
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.stride, self.more = stride, outputs - inputs
        self.branch = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs),
                                    nn.ReLU(), nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
                                    nn.BatchNorm2d(outputs))

    def forward(self, x):
        skip = x[:, :, ::self.stride, ::self.stride]
        return nn.functional.relu(self.branch(x) + nn.functional.pad(skip, (0, 0, 0, 0, 0, self.more)))


def resnet20():
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    for before, after in ((16, 16), (16, 32), (32, 64)):
        layers += [Residual(before, after, after // before), Residual(after, after, 1), Residual(after, after, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


PICTURES = {"cnn": (cnn, (1, 28, 28)), "resnet20": (resnet20, (3, 32, 32))}


def make_net(network):
    """The network, its inputs' shape, and how many classes it tells."""
    if network in PICTURES:
        make, shape = PICTURES[network]
        return make().to(memory_format=torch.channels_last), shape, 10
    widths = [int(width) for width in network.split(",")]
    return perceptron(widths), widths[:1], widths[-1]


def train(rank, network, batch, steps, ranks):
    if ranks > 0:
        torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity") and ranks > 1:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[rank % len(cores)]})
    torch.manual_seed(1)
    net, shape, classes = make_net(network)
    if ranks > 1:
        dist.init_process_group("gloo", rank=rank, world_size=ranks)
        net = nn.parallel.DistributedDataParallel(net)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)
    loss_function = nn.CrossEntropyLoss()
    x, y = torch.randn(SAMPLES, *shape), torch.randint(classes, (SAMPLES,))
    if len(shape) == 3:
        x = x.to(memory_format=torch.channels_last)
    rows = batch // max(ranks, 1)
    seconds = []
    for _ in range(WARM_UP + steps):
        begin = time.perf_counter()
        chosen = torch.randint(SAMPLES, (rows,))
        optimizer.zero_grad()
        loss_function(net(x[chosen]), y[chosen]).backward()
        optimizer.step()
        seconds.append(time.perf_counter() - begin)
    if rank == 0:
        print(statistics.median(seconds[WARM_UP:]), flush=True)
    if ranks > 1:
        dist.destroy_process_group()


def main():
    network = sys.argv[1]
    batch, steps, ranks = (int(word) for word in sys.argv[2:5])
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(29500 + os.getpid() % 1000))
    if ranks > 1:
        mp.spawn(train, (network, batch, steps, ranks), ranks)
    else:
        train(0, network, batch, steps, ranks)


if __name__ == "__main__":
    main()
