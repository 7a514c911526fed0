#!/usr/bin/python3
"""Writes measures.json: what scikit-learn says of answers. Tests read the file only; run this again to change what is
covered, then commit both (Debian: python3-sklearn):

    /usr/bin/python3 tests/golden/generate_measures.py

Outputs are multiples of 1/8, so that many are equal, and the same numbers in float32 and float64; there are more samples than
an evaluation passes at once (512).

classes     4 classes, of which the third is rare and the last no label; binary: 2 classes
            outputs [samples x classes], labels; accuracy, balanced_accuracy, macro_f1, log_loss; precision, recall and f1 of
            each class; auc of two classes
labels      3 questions of yes or no: outputs, targets [samples x 3]; auc, the mean of theirs
regression  2 targets: outputs, targets [samples x 2]; rmse, mae and r2 of each
"""

import warnings

import numpy as np
from golden import write_json
from sklearn import metrics

SAMPLES = 530

random = np.random.default_rng(7)
warnings.simplefilter("ignore")  # of a class without samples


def multiples(*shape):
    return np.round(random.normal(size=shape) * 8) / 8 + 0.0  # no -0


def softmax(outputs):
    exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def classes(parts):
    labels = random.choice(len(parts), SAMPLES, p=parts)
    outputs = multiples(SAMPLES, len(parts)) + 1.5 * np.eye(len(parts))[labels]
    answers = outputs.argmax(axis=1)  # the first of equal ones
    every = list(range(len(parts)))
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(labels, answers, labels=every)
    probabilities = softmax(outputs)
    case = {
        "outputs": outputs.ravel().tolist(),
        "labels": labels.tolist(),
        "accuracy": metrics.accuracy_score(labels, answers),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, answers),
        "macro_f1": metrics.f1_score(labels, answers, average="macro"),
        "log_loss": metrics.log_loss(labels, probabilities, labels=every),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
    }
    if len(parts) == 2:
        case["auc"] = metrics.roc_auc_score(labels, outputs[:, 1] - outputs[:, 0])
    return case


def questions():
    targets = (random.random((SAMPLES, 3)) < [0.5, 0.1, 0.8]).astype(int)
    outputs = multiples(SAMPLES, 3) + targets
    return {"outputs": outputs.ravel().tolist(), "targets": targets.ravel().tolist(),
            "auc": metrics.roc_auc_score(targets, outputs, average="macro")}


def regression():
    targets = multiples(SAMPLES, 2) * [1, 64] + [0, 4096]
    outputs = targets + multiples(SAMPLES, 2) * [0.5, 32]
    return {
        "outputs": outputs.ravel().tolist(),
        "targets": targets.ravel().tolist(),
        "rmse": np.sqrt(metrics.mean_squared_error(targets, outputs, multioutput="raw_values")).tolist(),
        "mae": metrics.mean_absolute_error(targets, outputs, multioutput="raw_values").tolist(),
        "r2": metrics.r2_score(targets, outputs, multioutput="raw_values").tolist(),
    }


write_json("measures.json", {"classes": classes([0.6, 0.37, 0.03, 0]), "binary": classes([0.7, 0.3]), "labels": questions(),
                             "regression": regression()})
