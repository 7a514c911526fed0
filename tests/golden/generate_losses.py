#!/usr/bin/python3
"""Writes losses.json: cross-entropies with weights of the classes, computed by PyTorch in float64. Tests read the file only;
run this again to change what is covered, then commit both:

    /usr/bin/python3 tests/golden/generate_losses.py

outputs     [row][class], multiples of 1/8: the same numbers in float32 and float64    labels  [row]    weights  [class]
cases       label-smoothing; loss, the mean by the weights, and its gradient by the outputs
balanced    labels of 3 classes, and scikit-learn's weights of them
"""

import numpy as np
import torch
from golden import write_json
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

ROWS, CLASSES = 6, 4


def case(outputs, labels, weights, smoothing):
    x = torch.tensor(outputs, dtype=torch.float64, requires_grad=True)
    loss = nn.CrossEntropyLoss(torch.tensor(weights, dtype=torch.float64), label_smoothing=smoothing)(x, torch.tensor(labels))
    loss.backward()
    return {"label-smoothing": smoothing, "loss": loss.item(), "gradient": x.grad.tolist()}


random = np.random.default_rng(3)
outputs = (np.round(random.normal(size=(ROWS, CLASSES)) * 16) / 8 + 0.0).tolist()  # no -0
labels = [0, 3, 1, 1, 3, 0]
weights = [0.3, 2.5, 1, 0]  # a class that counts nothing, and one that no row has
skewed = [0, 2, 2, 1, 2, 2, 2, 0]
write_json("losses.json", {"torch": torch.__version__, "outputs": outputs, "labels": labels, "weights": weights,
                           "cases": [case(outputs, labels, weights, smoothing) for smoothing in (0.0, 0.1, 0.5)],
                           "balanced": {"labels": skewed, "weights": compute_class_weight("balanced", classes=np.arange(3), y=np.array(skewed)).tolist()}})
