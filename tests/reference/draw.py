#!/usr/bin/env python3
"""Writes draw.json: sample ids, draws and epoch orders by Python's hashlib and json.

An implementation of its own of what the documentation says under "Order and chance":

    python3 tests/reference/draw.py > tests/reference/draw.json
"""

import hashlib
import json
import math
import random
import sys


def sha256(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def content_id(turns):
    flat = [text for turn in turns for text in turn]
    return sha256(json.dumps(flat, ensure_ascii=False, separators=(",", ":")))[:16]


def with_suffixes(ids):
    seen = {}
    result = []
    for name in ids:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return result


def order(ids, prefix):
    return sorted(range(len(ids)), key=lambda i: (sha256(prefix + ids[i]), i))


def held_out(ids, seed, fraction):
    contents = [name.split("-")[0] for name in ids]
    ranked = order(contents, f"{seed}\nvalidation\n")
    count = max(1, math.ceil(fraction * len(ids)))
    while count < len(ids) and contents[ranked[count]] == contents[ranked[count - 1]]:
        count += 1
    return sorted(ranked[:count])


TEXTS = [
    [["What is 2 + 2?", "4"]],
    [["", "text alone"]],
    [["quote \" backslash \\ slash / tab \t newline \n return \r", "\b\f\x00\x01\x1f\x7f"]],
    [["caf\u00e9 \u65e5\u672c\u8a9e \U0001f600", "\u2028\u2029\u00a0\ufeff"]],
    [["a", "b"], ["c", "d"], ["e", "f"]],
    [["a", "b\",\"c"]],
    [["a\",\"b", "c"]],
]


def main():
    rng = random.Random(3)
    ids = with_suffixes([content_id([["q", str(rng.randrange(40))]]) for _ in range(60)])
    draws = [
        {"seed": seed, "dataset": dataset, "order": order(ids, f"{seed}\n{dataset}\n")}
        for seed, dataset in [(42, "lima"), (42, "alpaca"), (7, "lima")]
    ]
    epochs = [
        {"seed": seed, "epoch": epoch, "order": order(ids, f"{seed}\n{epoch}\n")}
        for seed, epoch in [(42, 1), (42, 2), (42, 10), (0, 1)]
    ]
    validation = [
        {"seed": seed, "fraction": fraction, "places": held_out(ids, seed, fraction)}
        for seed, fraction in [(42, 0.02), (42, 0.1), (42, 0.25), (9, 0.5)]
    ]
    json.dump(
        {
            "contents": [{"turns": turns, "id": content_id(turns)} for turns in TEXTS],
            "ids": ids,
            "draws": draws,
            "epochs": epochs,
            "held_out": validation,
        },
        sys.stdout,
        indent=1,
    )
    print()


if __name__ == "__main__":
    main()
