#!/usr/bin/python3
"""Shows that Lockstep's weights are PyTorch's: loads a weights.safetensors into the torch.nn.Sequential its metadata
describes, strictly, and prints its accuracy on the test images of Fashion-MNIST. For use by hand; no test needs it.

    /usr/bin/python3 tests/golden/check_weights.py runs/RUN/weights.safetensors [FOLDER of the IDX files, gz or plain]

Reads from the file's __metadata__: layers ("linear 1024, relu, dropout 0.2, linear 10") and normalization
('{"shift": [..], "scale": [..]}', one number or one a feature): x = (byte - shift) * scale.
"""

import gzip
import json
import math
import pathlib
import struct
import sys

import numpy as np
import torch
from torch import nn

ACTIVATIONS = {
    "relu": nn.ReLU, "leaky-relu": nn.LeakyReLU, "elu": nn.ELU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid, "softplus": nn.Softplus, "relu6": nn.ReLU6, "identity": nn.Identity, "dropout": nn.Dropout,
}
DTYPES = {"F32": "<f4", "F64": "<f8"}


def read_safetensors(path):
    raw = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8:8 + length])
    metadata = header.pop("__metadata__", {})
    data, tensors, covered = raw[8 + length:], {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]])
        if begin != covered or values.size != math.prod(entry["shape"]):
            raise SystemExit(f"{path}: tensor {name}: offsets [{begin}, {end}) do not fit what precedes or its shape")
        covered = end
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    if covered != len(data):
        raise SystemExit(f"{path}: {len(data) - covered} bytes follow the last tensor")
    return metadata, tensors


def module(layer, x):
    """The module that `layer` names, for inputs like `x`."""
    kind, *words = layer.split()
    values = [word for word in words if "=" not in word and word.replace(".", "").isdigit()]
    options = {name: int(value) for name, value in (word.split("=") for word in words if "=" in word)}
    if kind == "linear":
        return nn.Linear(x.shape[1], int(values[0]))
    if kind == "conv":
        return nn.Conv2d(x.shape[1], int(values[0]), int(values[1]), options.get("stride", 1), options.get("pad", 0),
                         options.get("dilation", 1), options.get("groups", 1), "nobias" not in words)
    if kind in ("max-pool", "avg-pool") and words[0] != "all":
        pool = nn.MaxPool2d if kind == "max-pool" else nn.AvgPool2d
        return pool(int(values[0]), options.get("stride"), options.get("pad", 0))
    if kind == "avg-pool":
        return nn.AdaptiveAvgPool2d(1)
    if kind == "flatten":
        return nn.Flatten()
    if kind == "layer-norm":
        return nn.LayerNorm(x.shape[1])
    if kind == "group-norm":
        return nn.GroupNorm(int(values[0]), x.shape[1])
    if kind == "batch-norm":
        return (nn.BatchNorm2d if x.dim() == 4 else nn.BatchNorm1d)(x.shape[1])
    if kind in ACTIVATIONS:
        return ACTIVATIONS[kind](*map(float, values))
    raise SystemExit(f"no torch module known for layer '{layer.strip()}'")


def build(layers, x):
    modules = []
    for layer in layers.split(","):
        modules.append(module(layer, x).eval())
        with torch.no_grad():
            x = modules[-1](x)
    return nn.Sequential(*modules)


def read_idx(folder, name):
    path = folder / name
    raw = path.read_bytes() if path.exists() else gzip.decompress((folder / (name + ".gz")).read_bytes())
    dimensions = raw[3]
    shape = struct.unpack_from(f">{dimensions}I", raw, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def main():
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else "/usr/share/datasets/fashion-mnist")
    metadata, tensors = read_safetensors(sys.argv[1])
    for key in ("layers", "normalization"):
        if key not in metadata:
            raise SystemExit(f"{sys.argv[1]}: no '{key}' in __metadata__, which holds {sorted(metadata)}")

    images = read_idx(folder, "t10k-images-idx3-ubyte")
    has_channels = metadata["layers"].split()[0] in ("conv", "max-pool", "avg-pool", "flatten")
    images = images.reshape(10000, 1, *images.shape[1:]) if has_channels else images.reshape(10000, -1)
    labels = torch.from_numpy(read_idx(folder, "t10k-labels-idx1-ubyte").astype(np.int64))
    net = build(metadata["layers"], torch.zeros(1, *images.shape[1:])).eval()
    print(net)
    print(net.load_state_dict(tensors, strict=True))

    normalization = json.loads(metadata["normalization"])
    shift, scale = (np.array(normalization[key], np.float32) for key in ("shift", "scale"))
    x = torch.from_numpy((images.astype(np.float32) - shift) * scale)
    with torch.no_grad():
        logits = net(x)
    print(f"loss {nn.functional.cross_entropy(logits, labels).item():.6f}")
    print(f"accuracy {(logits.argmax(1) == labels).double().mean().item():.4f} on {len(labels)} test images")


if __name__ == "__main__":
    main()
