#!/usr/bin/python3
"""Writes norms.json: one forward and backward pass through each normalisation, computed by PyTorch in float64. Tests read
the file only; run this again to change what is covered, then commit both:

    /usr/bin/python3 tests/golden/generate_norms.py

cases   unit      in Lockstep's form          shape     of a sample, as PyTorch has it
        weight, bias; inputs, by_outputs      random multiples of a power of two: the same numbers in float32 and float64
        outputs, by_inputs, by_weight, by_bias
        running_mean, running_var, evaluated  of batch normalisation: after this batch, whose rows are one micro-batch; and
                                              the outputs in evaluation then
Values of a sample stand in Lockstep's order, the channels last.
"""

import torch
from golden import write_json
from torch import nn

ROWS = 5

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


def grid(*shape):
    return (torch.randn(*shape, dtype=torch.float64) * 64).round() / 64 + 0.0  # no -0


def last(tensor, is_picture):
    return (tensor.permute(0, 2, 3, 1) if is_picture else tensor).flatten(1).tolist()


def case(unit, module, shape):
    is_picture = len(shape) == 3
    module = module.double()
    with torch.no_grad():
        module.weight.copy_(grid(*module.weight.shape))
        module.bias.copy_(grid(*module.bias.shape))
    x = (grid(ROWS, *shape) + 0.5).requires_grad_()
    by_outputs = grid(ROWS, *shape)
    y = module(x)
    y.backward(by_outputs)
    record = {"unit": unit, "shape": list(shape), "weight": module.weight.tolist(), "bias": module.bias.tolist(),
              "inputs": last(x.detach(), is_picture), "by_outputs": last(by_outputs, is_picture),
              "outputs": last(y.detach(), is_picture), "by_inputs": last(x.grad, is_picture),
              "by_weight": module.weight.grad.tolist(), "by_bias": module.bias.grad.tolist()}
    if hasattr(module, "running_mean"):
        record |= {"running_mean": module.running_mean.tolist(), "running_var": module.running_var.tolist(),
                   "evaluated": last(module.eval()(x).detach(), is_picture)}
    return record


if __name__ == "__main__":
    torch.manual_seed(1)
    write_json("norms.json", {"torch": torch.__version__, "cases": [
        case("layer-norm", nn.LayerNorm(21), (21,)),
        case("layer-norm", nn.LayerNorm(7), (3, 7)),
        case("group-norm 3", nn.GroupNorm(3, 6), (6, 2, 3)),
        case("group-norm 1", nn.GroupNorm(1, 4), (4, 3, 2)),
        case("group-norm 4", nn.GroupNorm(4, 20), (20,)),
        case("batch-norm micro", nn.BatchNorm2d(3), (3, 2, 4)),
        case("batch-norm micro", nn.BatchNorm1d(9), (9,)),
    ]})
