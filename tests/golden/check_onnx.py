#!/usr/bin/python3
"""Shows that ONNX models of `lockstep export` are valid and give what `lockstep predict` does: trains small networks of all
kinds of units, lets ONNX's own checker read their models, and runs 1,000 samples through OpenCV. For use by hand, with Debian's
python3-onnx and python3-opencv; no test needs it.

    /usr/bin/python3 tests/golden/check_onnx.py [build/release/lockstep]
"""

import csv
import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy as np
import onnx

SAMPLES = 1000
TOLERANCE = 1e-5  # of a probability, or of the largest value
FOR_TABLES = [
    "relu", "leaky-relu 0.1", "tanh", "sigmoid", "gelu", "softplus", "silu", "relu6", "identity", "softmax", "dropout 0.2",
    "layer-norm", "group-norm 4", "batch-norm", "batch-norm micro", "unflatten 1 4 4, conv 4 3, flatten",
]
FOR_PICTURES = [
    "conv 8 3 stride=2 pad=1 dilation=2 nobias", "conv 8 3, relu, conv 8 3 groups=4", "max-pool 3 stride=2 pad=1",
    "avg-pool 3 stride=2 pad=1", "avg-pool all", "conv 8 3, batch-norm", "conv 8 3, group-norm 4", "dropout 0.3 channels",
    "residual(conv 8 3 pad=1, batch-norm, relu, skip(conv 8 1))",
    "concat((conv 4 1), (conv 4 1, relu, conv 6 3 pad=1), (max-pool 3 stride=1 pad=1)), add((conv 8 1), (conv 8 3 pad=1, relu))",
    "residual(conv 8 3 stride=2 pad=1, skip(subsample 2, pad-channels 8)), 2 x residual(conv 8 3 pad=1, relu)",
]


def run(program, *words):
    outcome = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise SystemExit(f"{' '.join(words)}: {outcome.stderr}")
    return outcome.stdout


def check(program, source, layers, x, *settings):
    """Trains, exports and compares; returns whether all is as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/model.onnx"
        run(program, "train", "--run.dir", f"{folder}/run", "--data.source", source, "--model.layers", layers,
            "--train.batch-size", "50", "--train.epochs", "2", "--optimizer.learning-rate", "0.01", *settings)
        run(program, "export", "--weights", f"{folder}/run", "--output", model)
        table = list(csv.reader(run(program, "predict", "--weights", f"{folder}/run", "--data.source", source).splitlines()))
        onnx.checker.check_model(onnx.load(model), full_check=True)
        first = 2 if table[0][1] == "class" else 1
        expected = np.array([[float(value) for value in row[first:]] for row in table[1:]])
        try:
            network = cv2.dnn.readNetFromONNX(model)
            network.setInput(x)
            difference = np.abs(network.forward() - expected).max() / max(1, np.abs(expected).max())
        except cv2.error:
            print(f"valid, but not for this OpenCV: {layers}")
            return True
        print(f"{difference:.1e}: {layers}")
        return difference <= TOLERANCE


def main():
    program = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/release/lockstep").resolve())
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, SAMPLES)
    rows = (random.normal(size=(SAMPLES, 5)) * [1, 10, 0.1, 3, 1000] + labels[:, None]).astype(np.float32)
    pictures = (random.integers(0, 120, (SAMPLES, 3, 10, 9)) + labels[:, None, None, None] * 30).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        table, values = f"{folder}/classes.csv", f"{folder}/values.csv"
        np.savetxt(table, np.column_stack([rows, labels]), fmt=["%.9g"] * 5 + ["%d"], delimiter=",")
        np.savetxt(values, np.column_stack([rows, 1e4 + 50 * rows[:, 0]]), fmt="%.9g", delimiter=",")
        for part in ("train", "test"):
            np.save(f"{folder}/x_{part}.npy", pictures)
            np.save(f"{folder}/y_{part}.npy", labels.astype(np.int32))
        good = [check(program, table, f"linear 16, {units}, linear 4", rows) for units in FOR_TABLES]
        good.append(check(program, values, "linear 16, relu, linear 1", rows, "--data.task", "regression"))
        good += [check(program, folder, f"{units}, flatten, linear 4", pictures.astype(np.float32)) for units in FOR_PICTURES]
    if not all(good):
        raise SystemExit(f"differences above {TOLERANCE}")


if __name__ == "__main__":
    main()
