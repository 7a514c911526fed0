#!/usr/bin/python3
"""Writes the numbers in this folder, computed by PyTorch (Debian 12's python3-torch, 1.13). Tests read the files only;
run this again to change what is covered, then commit both:

    /usr/bin/python3 tests/golden/generate.py

classification.json, regression.json: one network each, trained by several optimizers from the same start and data.
    layers      in Lockstep's form, without the input's width, which is the width of `inputs`
    inputs      [step][row][feature]    targets  [step][row], classes or values    one batch a step, all different
    initial     name -> {shape, values}, row-major, named and shaped as torch.nn.Sequential does ([out, in])
    cases       name, loss, label-smoothing, optimizer (keys as in Lockstep's [optimizer] section), then
      first_gradient    of the mean loss at the initial weights; without l2, before clipping (float64)
      float64, float32  losses (one a step, before its update), gradient_norms (as first_gradient), final state
Inputs, targets and initial weights are multiples of a power of two: the same numbers in float32 and float64.

torch.safetensors: the classification network after the case `adamw` in float32; torch_logits.json: `inputs`, and the
`logits` that network gives for them, computed in float64 from those weights.

What PyTorch means where definitions differ:
    mse         mean of the squared error, no factor 1/2          gelu   the exact one, with erf
    momentum    v = momentum v + g;  w = w - lr v                 nesterov   w = w - lr (g + momentum v), with the new v
    adamw       w = w - lr weight-decay w, then Adam; biases decay as well ("weight-decay-on": "all"); epsilon is added
                to sqrt(v / (1 - beta2^t)).  amsgrad keeps the maximum of v before that division
    rmsprop     epsilon is added to the root                      adagrad   likewise
    clip-norm   clip_grad_norm_ scales by clip-norm / (norm + 1e-6) ("clip-epsilon": 1e-6); the case `clip-exact` by
                clip-norm / norm ("clip-epsilon": 0), both only if that is below 1
"""

import json
import pathlib
import struct
import textwrap

import numpy as np
import torch
from torch import nn

FOLDER = pathlib.Path(__file__).resolve().parent
STEPS, ROWS = 10, 12

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
    betas = (options.get("beta1"), options.get("beta2"))
    epsilon = options.get("epsilon")
    name = options["name"]
    if name == "sgd":
        return torch.optim.SGD(parameters, lr, momentum=options.get("momentum", 0.0), weight_decay=l2,
                               nesterov=options.get("nesterov", False))
    if name == "adam":
        return torch.optim.Adam(parameters, lr, betas, epsilon, weight_decay=l2, amsgrad=options.get("amsgrad", False))
    if name == "adamw":
        return torch.optim.AdamW(parameters, lr, betas, epsilon, weight_decay=options["weight-decay"])
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, lr, alpha=options["beta"], eps=epsilon, weight_decay=l2,
                                   centered=options.get("centered", False))
    if name == "adagrad":
        return torch.optim.Adagrad(parameters, lr, eps=epsilon, weight_decay=l2)
    raise ValueError(name)


def gradient_norm(net):
    return torch.sqrt(sum((p.grad ** 2).sum() for p in net.parameters()))


def clip(net, options):
    if "clip-norm" not in options:
        return
    if options["clip-epsilon"] > 0:
        torch.nn.utils.clip_grad_norm_(net.parameters(), options["clip-norm"])
        return
    factor = options["clip-norm"] / gradient_norm(net)
    if factor < 1:
        for p in net.parameters():
            p.grad *= factor


def state(tensors):
    return {name: {"shape": list(t.shape), "values": t.detach().double().flatten().tolist()}
            for name, t in tensors.items()}


def train(make_net, initial, inputs, targets, case, dtype):
    net = make_net().to(dtype)
    net.load_state_dict({name: t.to(dtype) for name, t in initial.items()})
    if case["loss"] == "mse":
        loss_function = nn.MSELoss()
    else:
        loss_function = nn.CrossEntropyLoss(label_smoothing=case["label-smoothing"])
    optimizer = make_optimizer(net.parameters(), case["optimizer"])
    losses, norms, first_gradient = [], [], None
    for x, y in zip(inputs, targets):
        output = net(x.to(dtype))
        loss = loss_function(output.squeeze(1), y.to(dtype)) if case["loss"] == "mse" else loss_function(output, y)
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        norms.append(gradient_norm(net).item())
        if first_gradient is None:
            first_gradient = state({name: p.grad.clone() for name, p in net.named_parameters()})
        clip(net, case["optimizer"])
        optimizer.step()
    return net, first_gradient, {"losses": losses, "gradient_norms": norms, "final": state(net.state_dict())}


def write_json(name, value):
    """JSON with the numbers of a flat list filled into lines, repr's shortest exact digits."""

    def text(value, indent):
        pad = "  " * (indent + 1)
        if isinstance(value, dict):
            members = [f"{pad}{json.dumps(k)}: {text(v, indent + 1)}" for k, v in value.items()]
            return "{\n" + ",\n".join(members) + "\n" + "  " * indent + "}"
        if isinstance(value, list) and value and isinstance(value[0], list):
            return "[\n" + ",\n".join(pad + text(v, indent + 1) for v in value) + "\n" + "  " * indent + "]"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return "[" + ", ".join(text(v, indent) for v in value) + "]"
        flat = json.dumps(value, allow_nan=False)
        return flat if len(flat) < 110 else textwrap.fill(flat, 110, subsequent_indent=pad, break_long_words=False,
                                                          break_on_hyphens=False)

    (FOLDER / name).write_text(text(value, 0) + "\n")


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
        case = {"name": name, "loss": loss, "label-smoothing": smoothing, "optimizer": optimizer}
        _, case["first_gradient"], case["float64"] = train(make_net, initial, inputs, targets, case, torch.float64)
        nets[name], _, case["float32"] = train(make_net, initial, inputs, targets, case, torch.float32)
        cases.append(case)
        print(f"{file} {name}: loss {case['float64']['losses'][0]:.4f} to {case['float64']['losses'][-1]:.4f}, "
              f"gradient norm {min(case['float64']['gradient_norms']):.3f} to "
              f"{max(case['float64']['gradient_norms']):.3f}")
    write_json(file, {"description": description, "torch": torch.__version__, "layers": layers,
                      "inputs": inputs.tolist(), "targets": targets.tolist(), "initial": state(initial),
                      "cases": cases})
    return nets


def adam(name, rate, beta1=0.9, beta2=0.999, **more):
    return {"name": name, "learning-rate": rate, "beta1": beta1, "beta2": beta2, "epsilon": 1e-8, **more}


def sgd(rate, **more):
    return {"name": "sgd", "learning-rate": rate, **more}


def classification():
    torch.manual_seed(1)
    inputs = on_grid(torch.randn(STEPS, ROWS, 6, dtype=torch.float64), 64)
    rule = torch.randn(6, 4, dtype=torch.float64)
    targets = (inputs @ rule + 0.5 * torch.randn(STEPS, ROWS, 4, dtype=torch.float64)).argmax(2)
    initial = {name: on_grid(t.double(), 1024) for name, t in classification_net().state_dict().items()}
    nets = write_network(
        "classification.json", "6 features, 4 classes, cross entropy", classification_net,
        "linear 8, relu, linear 5, tanh, linear 4", "cross-entropy", inputs, targets, initial, [
            ("sgd", sgd(0.5), 0.0),
            ("momentum", sgd(0.1, momentum=0.9), 0.0),
            ("nesterov-l2", sgd(0.1, momentum=0.9, nesterov=True, l2=0.01, **{"weight-decay-on": "all"}), 0.0),
            ("l2", sgd(0.5, l2=0.1, **{"weight-decay-on": "all"}), 0.0),
            ("adamw", adam("adamw", 0.02, **{"weight-decay": 0.1, "weight-decay-on": "all"}), 0.0),
            ("adamw-betas", adam("adamw", 0.02, 0.8, 0.95, **{"weight-decay": 0.1, "weight-decay-on": "all"}), 0.0),
            ("clip", sgd(0.5, **{"clip-norm": 0.4, "clip-epsilon": 1e-6}), 0.0),
            ("clip-exact", sgd(0.5, **{"clip-norm": 0.4, "clip-epsilon": 0.0}), 0.0),
            ("label-smoothing", sgd(0.5), 0.1),
        ])
    net = nets["adamw"]
    write_safetensors(FOLDER / "torch.safetensors", net.state_dict(), {"format": "pt"})
    with torch.no_grad():
        write_json("torch_logits.json", {"inputs": inputs[0].tolist(), "logits": net.double()(inputs[0]).tolist()})


def regression():
    torch.manual_seed(2)
    inputs = on_grid(torch.randn(STEPS, ROWS, 5, dtype=torch.float64), 64)
    targets = on_grid(torch.sin(inputs[..., 0]) + inputs[..., 1] * inputs[..., 2] - 0.5 * inputs[..., 3], 1024)
    initial = {name: on_grid(t.double(), 1024) for name, t in regression_net().state_dict().items()}
    # The default weights make the last hidden layer small, and little would reach the first ones.
    initial = {name: on_grid(t * 2.5, 1024) if t.dim() == 2 else t for name, t in initial.items()}
    write_network(
        "regression.json", "5 features, 1 target, mean squared error", regression_net,
        "linear 7, gelu, linear 6, softplus, linear 4, sigmoid, linear 3, leaky-relu 0.1, linear 1", "mse", inputs,
        targets, initial, [
            ("sgd", sgd(0.05), 0.0),
            ("nesterov", sgd(0.02, momentum=0.9, nesterov=True), 0.0),
            ("adamw", adam("adamw", 0.02, **{"weight-decay": 0.1, "weight-decay-on": "all"}), 0.0),
            ("adam-l2", adam("adam", 0.02, l2=0.01, **{"weight-decay-on": "all"}), 0.0),
            ("adam-amsgrad", adam("adam", 0.02, 0.9, 0.8, amsgrad=True), 0.0),
            ("rmsprop", {"name": "rmsprop", "learning-rate": 0.005, "beta": 0.9, "epsilon": 1e-8}, 0.0),
            ("rmsprop-centered", {"name": "rmsprop", "learning-rate": 0.005, "beta": 0.9, "epsilon": 1e-8,
                                  "centered": True}, 0.0),
            ("adagrad", {"name": "adagrad", "learning-rate": 0.05, "epsilon": 1e-10}, 0.0),
        ])


if __name__ == "__main__":
    classification()
    regression()
