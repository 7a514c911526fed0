#!/usr/bin/python3
"""Writes schedules.json: the learning rates of PyTorch's schedulers (Debian 12's python3-torch, 1.13) at a base rate of
1, in float64. Tests read the file only; run this again to change what is covered, then commit both:

    /usr/bin/python3 tests/golden/generate_schedules.py

    cases       scheduler (PyTorch's class), total-steps, schedule (keys as in Lockstep's [schedule] section), then
      multipliers    the rate of step 0, 1, … total-steps - 1

What PyTorch means where definitions differ:
    polynomial            ends at 0 always
    polynomial, cosine    reach their end at step T, one after the last: T is total-steps without the warm-up
    one-cycle             reaches its peak at step rise T - 1, also where that is no whole number, its end at step T - 1
    warmup-steps          SequentialLR of LinearLR, from 1 / warmup-steps at step 0 to 1 at step warmup-steps - 1, and
                          the scheduler, which starts at its own step 0 after that. Not for one-cycle, which rises by
                          itself: PyTorch would warm up to its `initial`
Most of PyTorch's schedulers multiply the rate before by a ratio: they collect rounding errors over the steps.
"""

import torch
from torch.optim import lr_scheduler

from golden import write_json


def make_scheduler(optimizer, options, steps):
    """For `steps` steps after the warm-up."""
    name = options["name"]
    if name == "step":
        return lr_scheduler.StepLR(optimizer, options["every"], options["factor"])
    if name == "exponential":
        return lr_scheduler.ExponentialLR(optimizer, options["factor"])
    if name == "polynomial":
        return lr_scheduler.PolynomialLR(optimizer, steps, options["power"])
    if name == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, steps, options["final"])
    if name == "cosine-restarts":
        return lr_scheduler.CosineAnnealingWarmRestarts(optimizer, options["period"], options["period-factor"],
                                                        options["final"])
    if name == "one-cycle":
        return lr_scheduler.OneCycleLR(optimizer, 1.0, steps, pct_start=options["rise"], cycle_momentum=False,
                                       div_factor=1 / options["initial"],
                                       final_div_factor=options["initial"] / options["final"])
    raise ValueError(name)


def case(total, options):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    warmup = options.get("warmup-steps", 0)
    if warmup > 0:
        ramp = lr_scheduler.LinearLR(optimizer, 1 / warmup, 1.0, warmup - 1)
    scheduler = make_scheduler(optimizer, options, total - warmup)
    name = type(scheduler).__name__
    if warmup > 0:
        scheduler = lr_scheduler.SequentialLR(optimizer, [ramp, scheduler], [warmup])
    multipliers = []
    for step in range(total):
        multipliers.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step + 1 < total:
            scheduler.step()
    return {"scheduler": name, "total-steps": total, "schedule": options, "multipliers": multipliers}


def with_and_without_warmup(name, keys, *sets):
    """A case for each (total steps, warm-up, values of the keys), and one without the warm-up."""
    for total, warmup, *values in sets:
        options = {"name": name, **dict(zip(keys, values))}
        yield case(total, options)
        yield case(total, options | {"warmup-steps": warmup})


def main():
    cases = [
        *with_and_without_warmup("step", ["every", "factor"], (120, 10, 30, 0.1), (100, 7, 7, 0.5), (60, 2, 1, 0.9)),
        *with_and_without_warmup("exponential", ["factor"], (100, 10, 0.9), (150, 25, 0.99), (60, 3, 0.5)),
        *with_and_without_warmup("polynomial", ["power", "final"], (100, 10, 1.0, 0.0), (120, 25, 2.0, 0.0),
                                 (60, 2, 0.5, 0.0)),
        *with_and_without_warmup("cosine", ["final"], (100, 10, 0.0), (150, 25, 0.1), (60, 59, 0.5)),
        *with_and_without_warmup("cosine-restarts", ["period", "period-factor", "final"],
                                 (100, 10, 20, 1, 0.0), (200, 25, 10, 2, 0.0), (120, 7, 7, 3, 0.1),
                                 (60, 2, 1, 2, 0.01)),
        *(case(total, {"name": "one-cycle", "rise": rise, "initial": initial, "final": final})
          for total, rise, initial, final in [(100, 0.3, 1 / 25, 1 / 25 / 1e4), (130, 0.25, 1 / 10, 1 / 10 / 100),
                                              (60, 0.5, 1 / 4, 1 / 4), (200, 0.1, 1 / 100, 1 / 100 / 1e3)]),
    ]
    write_json("schedules.json", {"description": "learning rates of PyTorch's schedulers at a base rate of 1",
                                  "torch": torch.__version__, "cases": cases})


if __name__ == "__main__":
    main()
