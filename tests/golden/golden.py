"""What the generators of this folder share."""

import json
import pathlib
import textwrap

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent


def distance(record, other):
    def values(x):
        return np.concatenate([t["values"] for t in x.values()]) if isinstance(x, dict) else np.array(x)

    def largest(a, b):
        return float(np.max(np.abs(a - b) / np.maximum(np.maximum(np.abs(a), np.abs(b)), 0.01)))

    return {key: float(f"{largest(values(record[key]), values(other[key])):.1e}") for key in record}


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
        return flat if len(flat) < 110 or isinstance(value, str) else textwrap.fill(flat, 110, subsequent_indent=pad, break_long_words=False,
                                                          break_on_hyphens=False)

    (FOLDER / name).write_text(text(value, 0) + "\n")


def numbered(kind, *optimizers, smoothing=0.0):
    return [(f"{kind} {i + 1}", optimizer, smoothing) for i, optimizer in enumerate(optimizers)]
