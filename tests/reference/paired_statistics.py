#!/usr/bin/env python3
"""Writes tests/cases/paired_statistics.json with scipy's values.

    ~/.cache/sft/deps/reference/bin/python tests/reference/paired_statistics.py

mcnemar: [fixed, broken, p], the exact test, which is a binomial test of the smaller count.
bootstrap: values and the central 95 % of the bootstrapped mean by scipy's percentile method; its
draws are others than the program's, so that the ends agree to a fraction of the standard error.
"""

import json
from pathlib import Path

import numpy
import scipy.stats

CASES = Path(__file__).resolve().parent.parent / "cases"


def main():
    counts = [(0, 0), (1, 0), (0, 5), (5, 5), (3, 9), (12, 4), (40, 60), (100, 130), (7, 6),
              (1000, 1100), (4000, 4001), (0, 1000)]
    mcnemar = [[fixed, broken, 1.0 if fixed + broken == 0 else
                float(scipy.stats.binomtest(fixed, fixed + broken, 0.5).pvalue)]
               for fixed, broken in counts]
    draw = numpy.random.default_rng(7)
    bootstrap = []
    for values in (draw.choice([-100.0, 0.0, 100.0], 200, p=[0.1, 0.7, 0.2]),
                   draw.choice([0.0, 100.0], 1000, p=[0.95, 0.05]),
                   draw.normal(3.0, 5.0, 50)):
        found = scipy.stats.bootstrap((values,), numpy.mean, n_resamples=200_000,
                                      method="percentile", random_state=draw, batch=1000)
        interval = found.confidence_interval
        bootstrap.append({"values": [round(float(value), 6) for value in values],
                          "low": float(interval.low), "high": float(interval.high)})
    with open(CASES / "paired_statistics.json", "w", encoding="utf-8") as file:
        json.dump({"mcnemar": mcnemar, "bootstrap": bootstrap}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
