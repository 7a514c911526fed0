"""Run directories written by hand, with numbers that the tests know."""

import base64
import json
import math

SCRIPT_NAME = "<script>alert(1)"  # a file name cannot hold the slash of </script>
IMAGE_NAME = "<img src=x onerror=alert(1)> & co"
CLASSES = ["</script><script>window.harmed = 1</script>", "<b>bold</b> &amp; <i>co</i>", "plain"]
CONFUSION = [[7, 2, 1], [0, 9, 0], [3, 0, 4]]
PIXELS = bytes(range(0, 240, 20))  # 4 x 3, or 2 x 2 in colour
STEPS = 90
PARTS = ["gather", "forward", "backward", "exchange", "optimizer", "other"]


def steps(scale):
    return [
        {"event": "step", "step": s, "epoch": s / 30, "loss": None if s == 50 else scale * math.exp(-s / 40),
         "learning_rate": 0.001 * s, "gradient_norm": 3 / s, "samples_per_second": 10000.0 + s,
         "seconds": {part: 0.001 * (i + 1) for i, part in enumerate(PARTS)}}
        for s in range(1, STEPS + 1)
    ]


def evaluations(scale):
    return [
        {"event": "evaluation", "part": part, "epoch": epoch, "step": 30 * epoch, "samples": 100,
         "loss": scale * factor / epoch, "accuracy": 1 - factor / (epoch + 2)}
        for epoch in (1, 2, 3) for part, factor in (("validation", 1.0), ("test", 1.25))
    ]


def write_run(folder, scale, predictions=None, first_loss=None):
    """Writes the run directory `folder`; returns its steps and evaluations. `first_loss` is that of step 1."""
    folder.mkdir(parents=True)
    (folder / "config.cfg").write_text(
        f"[model]\nlayers = linear 3\n[train]\nbatch-size = 32\nseed = {scale}\n[optimizer]\nname = adam\n")
    start = {"event": "start", "version": "0.1.0", "world_size": 2, "cpu": "<b>CPU</b>", "libraries": ["A", "B"],
             "threads": 1, "micro_batches": 8, "parameters": 123456, "training_samples": 960}
    end = {"event": "end", "steps": STEPS, "samples_per_second": 10000.5, "weights_digest": "0123456789abcdef" * 2}
    trained = steps(scale)
    if first_loss is not None:
        trained[0]["loss"] = first_loss
    lines = [start, *trained, *evaluations(scale), end]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if predictions:
        (folder / "predictions.json").write_text(json.dumps(predictions))
    return steps(scale), evaluations(scale)


def classification():
    sample = {"sample": 41, "label": CLASSES[0], "predicted": CLASSES[1], "probability": 0.01, "loss": 4.6, "width": 4,
              "height": 3, "pixels": base64.b64encode(PIXELS).decode()}
    in_colour = {**sample, "width": 2, "height": 2, "channels": 3}
    return {"part": "test", "samples": 26, "task": "classification", "classes": CLASSES, "confusion": CONFUSION,
            "worst": [sample] * 8 + [in_colour]}


def regression():
    return {"part": "test", "samples": 3, "task": "regression", "targets": [1, 2, 3], "predictions": [1.5, 2.5, 2]}
