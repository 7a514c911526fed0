#!/usr/bin/python3
"""Writes papers.json: the problems of classification.json and regression.json, trained by optimizers that PyTorch 1.13
does not have, in numpy alone: forward and backward passes, and the updates after their papers' pseudo-code. Tests read
the file only; run this again to change what is covered, then commit both:

    /usr/bin/python3 tests/golden/generate_papers.py

problems    file -> cases, as generate.py has them: computed in float64, with the distance of a run in float32.
"""

import json
import math

import numpy as np

from golden import FOLDER, distance, numbered, write_json

LEAST_DISTANCE = 2.0 ** -21  # of a run in float32, a few units in the last place: one run may be nearer by luck
GELU = np.vectorize(lambda v: 0.5 * (1 + math.erf(v / math.sqrt(2))))
GELU_SLOPE = np.vectorize(lambda v: 0.5 * (1 + math.erf(v / math.sqrt(2))) +
                          v * math.exp(-v * v / 2) / math.sqrt(2 * math.pi))
ACTIVATIONS = {  # name -> function, derivative
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(x.dtype)),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "gelu": (lambda x: (x * GELU(x)).astype(x.dtype), lambda x: GELU_SLOPE(x).astype(x.dtype)),
    "softplus": (lambda x: np.log1p(np.exp(x)), lambda x: 1 / (1 + np.exp(-x))),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
    "leaky-relu 0.1": (lambda x: np.where(x > 0, x, x.dtype.type(0.1) * x),
                       lambda x: np.where(x > 0, x.dtype.type(1), x.dtype.type(0.1))),
}


def loss_and_gradient(layers, weights, x, targets, loss):
    """The mean loss of a batch and its gradient, name -> array, after the chain rule, layer by layer."""
    inputs = []
    for i, layer in enumerate(layers):
        inputs.append(x)
        if layer.startswith("linear"):
            x = x @ weights[f"{i}.weight"].T + weights[f"{i}.bias"]
        else:
            x = ACTIVATIONS[layer][0](x)
    rows = x.dtype.type(len(x))
    if loss == "mse":
        error = x[:, 0] - targets
        value, slope = np.mean(error ** 2), (2 * error / rows)[:, None]
    else:
        shifted = x - x.max(axis=1, keepdims=True)
        logarithms = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        chosen = np.eye(x.shape[1], dtype=x.dtype)[targets.astype(int)]
        value, slope = -np.sum(chosen * logarithms) / rows, (np.exp(logarithms) - chosen) / rows
    gradient = {}
    for i in reversed(range(len(layers))):
        if layers[i].startswith("linear"):
            gradient[f"{i}.weight"], gradient[f"{i}.bias"] = slope.T @ inputs[i], slope.sum(axis=0)
            slope = slope @ weights[f"{i}.weight"]
        else:
            slope = slope * ACTIVATIONS[layers[i]][1](inputs[i])
    return float(value), gradient


def norm(gradient):
    return math.sqrt(sum(float(np.sum(g ** 2)) for g in gradient.values()))


class Adamw:
    """Algorithm 2 of Loshchilov, Hutter, with the learning rate in the decay as PyTorch has it."""

    def __init__(self, o, rate):
        self.o, self.rate, self.m, self.v, self.t = o, rate, 0, 0, 0

    def step(self, w, g, decay):
        b1, b2 = self.o["beta1"], self.o["beta2"]
        self.t += 1
        self.m = b1 * self.m + (1 - b1) * g
        self.v = b2 * self.v + (1 - b2) * g * g
        m_hat, v_hat = self.m / (1 - b1 ** self.t), self.v / (1 - b2 ** self.t)
        return w - self.rate * decay * w - self.rate * m_hat / (np.sqrt(v_hat) + self.o["epsilon"])


class Muon:
    """The post's algorithm 2 with Nesterov's momentum, and its NewtonSchulz5."""

    def __init__(self, o):
        self.o, self.b = o, 0

    def newton_schulz(self, g):
        a, b, c = 3.4445, -4.7750, 2.0315
        x = g / (np.linalg.norm(g) + g.dtype.type(1e-7))
        if g.shape[0] > g.shape[1]:
            x = x.T
        for _ in range(self.o["newton-schulz-steps"]):
            s = x @ x.T
            x = a * x + (b * s + c * (s @ s)) @ x
        return x.T if g.shape[0] > g.shape[1] else x

    def step(self, w, g, decay):
        rate, mu = self.o["learning-rate"], self.o["momentum"]
        self.b = mu * self.b + g
        update = self.newton_schulz(g + mu * self.b) * max(1, w.shape[0] / w.shape[1]) ** 0.5
        return w - rate * decay * w - rate * update


def muon_of(name, shape, last, o):
    hidden_matrix = len(shape) == 2 and name.split(".")[0] != last
    return Muon(o) if hidden_matrix else Adamw(o, o["learning-rate"] * o["adamw-ratio"])


class Sgd:
    """Decoupled decay; y = momentum y + g."""

    def __init__(self, o):
        self.o, self.y = o, 0

    def step(self, w, g, decay):
        self.y = self.o["momentum"] * self.y + g
        return w - self.o["learning-rate"] * decay * w - self.o["learning-rate"] * self.y


def sam_point(weights, gradient, rho):
    """Algorithm 1 of Foret et al. with p = 2: w + rho g / |g|."""
    scale = rho / norm(gradient)
    return {name: (w + scale * gradient[name]).astype(w.dtype) for name, w in weights.items()}


def train(problem, case, dtype):
    o, layers = case["optimizer"], problem["layers"].split(", ")
    weights = {name: np.array(t["values"], dtype).reshape(t["shape"]) for name, t in problem["initial"].items()}
    last = f"{len(layers) - 1}"
    steppers = {name: make_stepper(name, w.shape, last, o) for name, w in weights.items()}
    losses, norms = [], []
    for x, y in zip(problem["inputs"], problem["targets"]):
        def gradient_at(point):
            return loss_and_gradient(layers, point, np.array(x, dtype), np.array(y, dtype), problem["loss"])
        loss, g = gradient_at(weights)
        losses.append(loss)
        norms.append(norm(g))
        if "rho" in o:
            _, g = gradient_at(sam_point(weights, g, o["rho"]))
        if "clip-norm" in o:
            factor = min(1, o["clip-norm"] / (norm(g) + 1e-6))
            g = {name: (factor * values).astype(dtype) for name, values in g.items()}
        for name, w in weights.items():
            decay = o["weight-decay"] if name.endswith("weight") else 0
            weights[name] = steppers[name].step(w, g[name], decay).astype(dtype)
    final = {name: {"shape": list(w.shape), "values": w.astype(float).flatten().tolist()} for name, w in weights.items()}
    return {"losses": losses, "gradient_norms": norms, "final": final}


def make_stepper(name, shape, last, o):
    if o["name"] == "muon":
        return muon_of(name, shape, last, o)
    return Sgd(o) if o["name"] == "sam-sgd" else Adamw(o, o["learning-rate"])


def muon(rate=0.02, momentum=0.95, steps=5, ratio=0.015, beta1=0.9, beta2=0.95, epsilon=1e-10, decay=0.0):
    return {"name": "muon", "learning-rate": rate, "momentum": momentum, "newton-schulz-steps": steps,
            "adamw-ratio": ratio, "beta1": beta1, "beta2": beta2, "epsilon": epsilon, "weight-decay": decay}


def sam_sgd(rate, rho, momentum=0.0, decay=0.0, **more):
    return {"name": "sam-sgd", "learning-rate": rate, "momentum": momentum, "weight-decay": decay, "rho": rho, **more}


def sam_adamw(rate, rho, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.01):
    return {"name": "sam-adamw", "learning-rate": rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon,
            "weight-decay": decay, "rho": rho}


CASES = {
    "classification.json": numbered("muon", muon(), muon(0.05, 0.8, 3, 0.3, 0.8, 0.99, 1e-4, 0.1), muon(0.1, 0.6, 4)) +
                           numbered("sam-sgd", sam_sgd(0.5, 0.05), sam_sgd(0.1, 0.5, 0.9), sam_sgd(0.2, 0.2, 0.5, 0.1),
                                    sam_sgd(0.5, 0.1, **{"clip-norm": 0.4})) +
                           numbered("sam-adamw", sam_adamw(0.02, 0.05), sam_adamw(0.02, 0.5, 0.8, 0.95, decay=0.5)),
    "regression.json": numbered("muon", muon(ratio=0.5, decay=0.01), muon(0.005, 0.9, 6, 1)) +
                       numbered("sam-sgd", sam_sgd(0.02, 0.05)) +
                       numbered("sam-adamw", sam_adamw(0.03, 0.1, 0.95, 0.99, 1e-4)),
}

if __name__ == "__main__":
    problems = {}
    for file, optimizers in CASES.items():
        problem = json.loads((FOLDER / file).read_text())
        problems[file] = []
        for name, optimizer, smoothing in optimizers:
            case = {"name": name, "label-smoothing": smoothing, "optimizer": optimizer}
            record = train(problem, case, np.float64)
            apart = distance(record, train(problem, case, np.float32))
            apart = {key: max(value, LEAST_DISTANCE) for key, value in apart.items()}
            problems[file].append(case | record | {"float32_distance": apart})
            print(f"{file} {name}: loss {record['losses'][0]:.4f} to {record['losses'][-1]:.4f}, float32 {apart}")
    write_json("papers.json", {"description": "optimizers that PyTorch 1.13 does not have", "problems": problems})
