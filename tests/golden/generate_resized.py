#!/usr/bin/python3
"""Writes resized.json: pictures in other sizes, by Pillow's BILINEAR (Debian 12's python3-pil, 9.4). Tests read the file only;
run this again to change what is covered, then commit both:

    /usr/bin/python3 tests/golden/generate_resized.py

A case has
    from, to    height and width            channels    1 (grey) or 3
    values      row by row, channels last   resized     the same in the other size
"""

import numpy as np
from golden import write_json
from PIL import Image

CASES = [
    ((8, 8), (4, 4), 1), ((8, 8), (3, 3), 1), ((7, 11), (5, 4), 3), ((5, 4), (7, 11), 3), ((6, 6), (12, 12), 1), ((9, 2), (2, 9), 3),
    ((16, 12), (1, 1), 1), ((1, 1), (3, 2), 3), ((13, 13), (13, 5), 1), ((13, 13), (5, 13), 1), ((28, 20), (9, 9), 3),
]

random = np.random.default_rng(1)
records = []
for (size, to, channels) in CASES:
    # Black and white side by side, where a wrong weight shows most.
    values = random.choice([0, 255, 128, 17, 240], (*size, channels)).astype(np.uint8)
    picture = Image.fromarray(values if channels == 3 else values[..., 0])
    resized = np.asarray(picture.resize((to[1], to[0]), Image.BILINEAR))
    records.append({"from": list(size), "to": list(to), "channels": channels, "values": values.flatten().tolist(),
                    "resized": resized.flatten().tolist()})
write_json("resized.json", records)
