#!/usr/bin/python3
"""Writes functions.json: results of elementary functions, computed with 400 bits by mpmath (Debian's python3-mpmath) and
rounded once. Tests read the file only; run this again to change what is covered, then commit both:

    /usr/bin/python3 tests/golden/generate_functions.py

For each function a list of [argument, result as float, result as double]: the argument, which a float holds, as C writes
it in hexadecimal, the results by their bits. Lockstep's results may be the second nearest number; the arguments are
such that they are the nearest.
"""

import json
import pathlib
import struct

from mpmath import mp, mpf


def normal(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


FUNCTIONS = {
    "exp": (mp.exp, "0x1.0415dp-7 -0x1.0ba456p+5 0x1.bb7f8p+0 0x1.62dfcp+3 -0x1.423e3p+3"),
    "log": (mp.log, "0x1.f61c4ep-7 0x1.5ee284p+5 0x1.ebf7fcp+2 0x1.197ef2p+5 0x1.3f95f2p-5"),
    "log1p": (mp.log1p, "0x1.88efbep-5 0x1.e76738p-6 0x1.c6cfbep+4 0x1.c20bf4p+4 0x1.ab3c04p-6"),
    "tanh": (mp.tanh, "-0x1.6bc29p-11 0x1.391818p+1 0x1.5b8a08p-10 -0x1.f5f35ap+1 0x1.7647b4p+1"),
    "erfc": (mp.erfc, "0x1.ad98p-17 0x1.b4a58p-3 0x1.10d90cp+3 0x1.1585d4p+3 0x1.13c0f4p+2"),
    "logistic": (lambda x: 1 / (1 + mp.exp(-x)),
                 "-0x1.8d5302p+5 0x1.1ea28p-7 -0x1.481128p+3 -0x1.65bfe8p+4 0x1.d2f08p+2"),
    "softplus": (lambda x: mp.log1p(mp.exp(x)),
                 "-0x1.cbad2p-9 -0x1.380428p+3 0x1.389c18p+4 -0x1.248424p+5 0x1.8474bp+2"),
    "gelu": (lambda x: x * normal(x), "0x1.198b1p-8 -0x1.98c44p-2 -0x1.27e264p+2 0x1.c64a8p+0 0x1.a726p-4"),
    "gelu_slope": (lambda x: normal(x) + x * mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi),
                   "-0x1.82b8dp-10 -0x1.876062p+2 0x1.b25368p+1 -0x1.7ab8acp+3 0x1.65c29p-10"),
    "cos_pi": (lambda x: mp.cos(mp.pi * x), "-0x1.e985c8p-5 -0x1.016118p+5 0x1.71e9e8p+5 0x1.c4d05p+4 0x1.e35418p+5"),
    "sin_pi": (lambda x: mp.sin(mp.pi * x), "-0x1.8ce01p-5 0x1.3fe808p-6 -0x1.c121c8p+4 0x1.777c94p+6 0x1.877aap+6"),
}


def bits(y, precision, form):
    with mp.workprec(precision):
        rounded = float(+y)
    return struct.pack(">" + form, rounded).hex()


def results(function, argument):
    y = function(mpf(float.fromhex(argument)))
    return [argument, bits(y, 24, "f"), bits(y, 53, "d")]


mp.prec = 400
FILE = pathlib.Path(__file__).resolve().parent / "functions.json"
TABLE = {name: [results(function, x) for x in arguments.split()] for name, (function, arguments) in FUNCTIONS.items()}
LISTS = [f'  "{name}": [\n' + ",\n".join(f"    {json.dumps(row)}" for row in rows) + "\n  ]" for name, rows in TABLE.items()]
FILE.write_text("{\n" + ",\n".join(LISTS) + "\n}\n", encoding="utf-8")
