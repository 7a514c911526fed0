"""The PyTorch side of compare_pytorch.sh: trains one multi-layer perceptron and prints the seconds of a step.

    compare_pytorch.py WIDTHS BATCH STEPS RANKS    as 784,1024,1024,10 256 50 2

WIDTHS are the features between the layers, BATCH is global. With RANKS above 1 as many processes train with
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


def make_net(widths):
    layers = []
    for before, after in zip(widths, widths[1:]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def train(rank, widths, batch, steps, ranks):
    if ranks > 0:
        torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity") and ranks > 1:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[rank % len(cores)]})
    torch.manual_seed(1)
    net = make_net(widths)
    if ranks > 1:
        dist.init_process_group("gloo", rank=rank, world_size=ranks)
        net = nn.parallel.DistributedDataParallel(net)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)
    loss_function = nn.CrossEntropyLoss()
    x, y = torch.randn(SAMPLES, widths[0]), torch.randint(widths[-1], (SAMPLES,))
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
    widths = [int(width) for width in sys.argv[1].split(",")]
    batch, steps, ranks = (int(word) for word in sys.argv[2:5])
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(29500 + os.getpid() % 1000))
    if ranks > 1:
        mp.spawn(train, (widths, batch, steps, ranks), ranks)
    else:
        train(0, widths, batch, steps, ranks)


if __name__ == "__main__":
    main()
