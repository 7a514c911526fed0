#!/usr/bin/python3
"""Writes the trained networks of this folder, computed by PyTorch (Debian 12's python3-torch, 1.13); its neighbours
generate_schedules.py, generate_norms.py, generate_losses.py and generate_papers.py write the schedules, the normalisations,
losses with weights of the classes, and what PyTorch
does not have. Tests read the files only; run this again to change what is covered, then commit both:

    /usr/bin/python3 tests/golden/generate.py

classification.json, regression.json: one network each, trained by several optimizers from the same start and data.
    layers, loss    in Lockstep's form, without the input's width, which is the width of `inputs`
    inputs      [step][row][feature]    targets  [step][row], classes or values    one batch a step, all different
    initial     name -> {shape, values}, row-major, named and shaped as torch.nn.Sequential does ([out, in])
    first_gradient    of the mean loss without smoothing, at the initial weights and the first batch
    cases       name, label-smoothing, optimizer (keys as in Lockstep's [optimizer] section), then
      losses, gradient_norms, final    one a step, before its update, without l2 and before clipping; the last weights
      float32_distance                 name of each of these -> how far PyTorch's own run in float32 ends up from them:
                                       the largest |a - b| / max(|a|, |b|, 0.01)
Everything is computed in float64. Inputs, targets and initial weights are multiples of a power of two: the same
numbers in float32 and float64.

torch.safetensors: the classification network after the case `adamw 1` in float32; torch_logits.json: `inputs`, and the
`logits` that network gives for them, computed in float64 from those weights.

What PyTorch means where definitions differ:
    mse         mean of the squared error, no factor 1/2          gelu   the exact one, with erf
    momentum    v = momentum v + g;  w = w - lr v                 nesterov   w = w - lr (g + momentum v), with the new v
    l2, weight-decay    act on biases as well ("weight-decay-on": "all")
    adamw       w = w - lr weight-decay w, then Adam; epsilon is added to sqrt(v / (1 - beta2^t)).  amsgrad keeps the
                maximum of v before that division
    rmsprop     epsilon is added to the root                      adagrad   likewise
    clip-norm   clip_grad_norm_ scales by clip-norm / (norm + 1e-6) if that is below 1
"""

import json
import struct

import numpy as np
import torch
from golden import FOLDER, distance, numbered, write_json
from torch import nn

STEPS, ROWS = 50, 6

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


def classification_net():
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 4))


def regression_net():
    return nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.Linear(7, 6), nn.Softplus(), nn.Linear(6, 4), nn.Sigmoid(),
                         nn.Linear(4, 3), nn.LeakyReLU(0.1), nn.Linear(3, 1))


def on_grid(tensor, fraction):
    return (tensor * fraction).round() / fraction + 0.0  # no -0


def make_optimizer(parameters, options):
    lr = options["learning-rate"]
    l2 = options.get("l2", 0.0)
    momentum = options.get("momentum", 0.0)
    betas = (options.get("beta1"), options.get("beta2"))
    amsgrad = options.get("amsgrad", False)
    epsilon = options.get("epsilon")
    name = options["name"]
    if name == "sgd":
        return torch.optim.SGD(parameters, lr, momentum, weight_decay=l2, nesterov=options.get("nesterov", False))
    if name == "adam":
        return torch.optim.Adam(parameters, lr, betas, epsilon, weight_decay=l2, amsgrad=amsgrad)
    if name == "adamw":
        return torch.optim.AdamW(parameters, lr, betas, epsilon, options["weight-decay"], amsgrad)
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, lr, options["beta"], epsilon, l2, momentum,
                                   options.get("centered", False))
    if name == "adagrad":
        return torch.optim.Adagrad(parameters, lr, eps=epsilon, weight_decay=l2)
    raise ValueError(name)


def gradient_norm(net):
    return torch.sqrt(sum((p.grad ** 2).sum() for p in net.parameters()))


def state(tensors):
    return {name: {"shape": list(t.shape), "values": t.detach().double().flatten().tolist()}
            for name, t in tensors.items()}


def mean_loss(outputs, targets, smoothing):
    if targets.is_floating_point():
        return nn.functional.mse_loss(outputs.squeeze(1), targets.to(outputs.dtype))
    return nn.functional.cross_entropy(outputs, targets, label_smoothing=smoothing)


def train(make_net, initial, inputs, targets, case, dtype):
    """The trained network, the gradients of its first step, and what a case records of the run."""
    net = make_net().to(dtype)
    net.load_state_dict({name: t.to(dtype) for name, t in initial.items()})
    optimizer = make_optimizer(net.parameters(), case["optimizer"])
    losses, norms, first_gradient = [], [], None
    for x, y in zip(inputs, targets):
        optimizer.zero_grad()
        loss = mean_loss(net(x.to(dtype)), y, case["label-smoothing"])
        loss.backward()
        losses.append(loss.item())
        norms.append(gradient_norm(net).item())
        first_gradient = first_gradient or {name: p.grad.clone() for name, p in net.named_parameters()}
        if "clip-norm" in case["optimizer"]:
            torch.nn.utils.clip_grad_norm_(net.parameters(), case["optimizer"]["clip-norm"])
        optimizer.step()
    return net, first_gradient, {"losses": losses, "gradient_norms": norms, "final": state(net.state_dict())}


def write_safetensors(path, tensors, metadata):
    """The format's public specification: length of the header (8 bytes, little-endian), JSON header, data."""
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in tensors.items():
        raw = np.ascontiguousarray(tensor.detach().numpy().astype("<f4")).tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the data starts aligned
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_network(file, description, make_net, layers, loss, inputs, targets, initial, optimizers):
    cases, nets = [], {}
    for name, optimizer, smoothing in optimizers:
        case = {"name": name, "label-smoothing": smoothing, "optimizer": optimizer}
        _, gradient, record = train(make_net, initial, inputs, targets, case, torch.float64)
        nets[name], _, single = train(make_net, initial, inputs, targets, case, torch.float32)
        if smoothing == 0:
            first_gradient = gradient  # the same in each of these cases
        cases.append(case | record | {"float32_distance": distance(record, single)})
        print(f"{file} {name}: loss {record['losses'][0]:.4f} to {record['losses'][-1]:.4f}, gradient norm "
              f"{min(record['gradient_norms']):.3f} to {max(record['gradient_norms']):.3f}, "
              f"float32 {cases[-1]['float32_distance']}")
    write_json(file, {"description": description, "torch": torch.__version__, "layers": layers, "loss": loss,
                      "inputs": inputs.tolist(), "targets": targets.tolist(), "initial": state(initial),
                      "first_gradient": state(first_gradient), "cases": cases})
    return nets


ALL = {"weight-decay-on": "all"}


def sgd(rate, momentum=0.0, nesterov=False, l2=0.0, **more):
    return {"name": "sgd", "learning-rate": rate, "momentum": momentum, "nesterov": nesterov, "l2": l2, **ALL, **more}


def adam(rate, beta1=0.9, beta2=0.999, epsilon=1e-8, l2=0.0, amsgrad=False):
    return {"name": "adam", "learning-rate": rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon, "l2": l2,
            "amsgrad": amsgrad, **ALL}


def adamw(decay, *args, **more):
    return {**adam(*args, **more), "name": "adamw", "weight-decay": decay}


def rmsprop(rate, beta=0.99, epsilon=1e-8, momentum=0.0, centered=False, l2=0.0):
    return {"name": "rmsprop", "learning-rate": rate, "beta": beta, "epsilon": epsilon, "momentum": momentum,
            "centered": centered, "l2": l2, **ALL}


def adagrad(rate, epsilon=1e-10, l2=0.0):
    return {"name": "adagrad", "learning-rate": rate, "epsilon": epsilon, "l2": l2, **ALL}


def classification():
    torch.manual_seed(1)
    inputs = on_grid(torch.randn(STEPS, ROWS, 6, dtype=torch.float64), 16)
    rule = torch.randn(6, 4, dtype=torch.float64)
    targets = (inputs @ rule + 0.5 * torch.randn(STEPS, ROWS, 4, dtype=torch.float64)).argmax(2)
    initial = {name: on_grid(t.double(), 1024) for name, t in classification_net().state_dict().items()}
    nets = write_network(
        "classification.json", "6 features, 4 classes, cross entropy", classification_net,
        "linear 8, relu, linear 5, tanh, linear 4", "cross-entropy", inputs, targets, initial,
        numbered("sgd", sgd(0.5), sgd(0.1), sgd(0.02)) +
        numbered("momentum", sgd(0.05, 0.9), sgd(0.2, 0.5), sgd(0.02, 0.98)) +
        numbered("nesterov", sgd(0.1, 0.9, True), sgd(0.2, 0.5, True), sgd(0.02, 0.98, True)) +
        numbered("l2", sgd(0.5, l2=0.1), sgd(0.1, 0.9, l2=0.01), sgd(0.1, 0.8, True, l2=0.03)) +
        numbered("adam", adam(0.02), adam(0.01, 0.8, 0.95), adam(0.03, 0.95, 0.99, 1e-4)) +
        numbered("adam l2", adam(0.02, l2=0.01), adam(0.01, 0.8, 0.95, l2=0.1), adam(0.03, 0.95, 0.99, 1e-4, 0.001)) +
        numbered("adam amsgrad", adam(0.02, 0.9, 0.9, amsgrad=True), adam(0.01, 0.9, 0.8, amsgrad=True),
                 adam(0.03, 0.8, 0.95, 1e-4, 0.01, True)) +
        numbered("adamw", adamw(0.1, 0.02), adamw(0.5, 0.02, 0.8, 0.95), adamw(0.01, 0.03, 0.95, 0.99, 1e-4)) +
        numbered("adamw amsgrad", adamw(0.1, 0.02, 0.9, 0.9, amsgrad=True),
                 adamw(0.5, 0.02, 0.9, 0.8, amsgrad=True), adamw(0.01, 0.03, 0.8, 0.95, 1e-4, amsgrad=True)) +
        numbered("clip", sgd(0.5, **{"clip-norm": 0.4}), sgd(0.1, 0.9, **{"clip-norm": 1.0})) +
        numbered("label smoothing", sgd(0.5), smoothing=0.1))
    net = nets["adamw 1"]
    write_safetensors(FOLDER / "torch.safetensors", net.state_dict(), {"format": "pt"})
    with torch.no_grad():
        some = inputs.flatten(0, 1)[:12]
        write_json("torch_logits.json", {"inputs": some.tolist(), "logits": net.double()(some).tolist()})


def regression():
    torch.manual_seed(2)
    inputs = on_grid(torch.randn(STEPS, ROWS, 5, dtype=torch.float64), 16)
    targets = on_grid(torch.sin(inputs[..., 0]) + inputs[..., 1] * inputs[..., 2] - 0.5 * inputs[..., 3], 1024)
    initial = {name: on_grid(t.double(), 1024) for name, t in regression_net().state_dict().items()}
    # The default weights make the last hidden layer small, and little would reach the first ones.
    initial = {name: on_grid(t * 2.5, 1024) if t.dim() == 2 else t for name, t in initial.items()}
    write_network(
        "regression.json", "5 features, 1 target, mean squared error", regression_net,
        "linear 7, gelu, linear 6, softplus, linear 4, sigmoid, linear 3, leaky-relu 0.1, linear 1", "mse", inputs,
        targets, initial,
        numbered("sgd", sgd(0.02), sgd(0.01, 0.9, True)) +
        numbered("adagrad", adagrad(0.05), adagrad(0.1, 1e-3), adagrad(0.02, 1e-6, 0.01)) +
        numbered("rmsprop", rmsprop(0.002), rmsprop(0.005, 0.9), rmsprop(0.01, 0.95, 1e-3, l2=0.01)) +
        numbered("rmsprop momentum", rmsprop(0.001, momentum=0.5), rmsprop(0.001, 0.9, momentum=0.9),
                 rmsprop(0.005, 0.95, 1e-3, 0.8, l2=0.01)) +
        numbered("rmsprop centered", rmsprop(0.002, centered=True), rmsprop(0.005, 0.9, centered=True),
                 rmsprop(0.01, 0.95, 1e-3, centered=True, l2=0.01)) +
        numbered("rmsprop centered momentum", rmsprop(0.001, 0.99, 1e-8, 0.5, True),
                 rmsprop(0.001, 0.9, 1e-8, 0.9, True), rmsprop(0.005, 0.95, 1e-3, 0.8, True, 0.01)) +
        numbered("adamw", adamw(0.1, 0.02)))


if __name__ == "__main__":
    classification()
    regression()
