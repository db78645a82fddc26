#!/usr/bin/env python3
"""Writes tests/cases/length_controlled.json with scikit-learn's values.

    ~/.cache/sft/deps/reference/bin/python tests/reference/length_controlled.py

Made data in the layout of AlpacaEval: answers compared with a baseline's and rows of a gamed
baseline, and what LogisticRegressionCV (liblinear, L1, ten strengths, log loss on five folds, soft
labels as weighted copies) makes of them. GroupKFold sorts groups of equal size with an unstable
sort, so its folds depend on the processor; they are given here, from the last row to the first,
which is what it does where the sort is stable.
"""

import json
from pathlib import Path

import numpy
from sklearn import set_config
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import make_scorer

CASES = Path(__file__).resolve().parent.parent / "cases"
NUM_FOLDS = 5
GAMED_WEIGHT = 0.2 / 2


def log_loss(labels, probability, preference, weight):
    preference = numpy.where(labels == 1, preference, 1 - preference)
    probability = numpy.clip(probability, 1e-15, 1 - 1e-15)
    loss = preference * numpy.log(probability) + (1 - preference) * numpy.log(1 - probability)
    return -numpy.mean(weight * loss)


def fit(features, preference, weight):
    """The weights and the strength that cross-validation chooses."""
    count = len(preference)
    fold = (count - 1 - numpy.arange(count)) % NUM_FOLDS
    folds = numpy.concatenate([fold, fold])
    splits = [(numpy.where(folds != k)[0], numpy.where(folds == k)[0]) for k in range(NUM_FOLDS)]
    labels = numpy.concatenate([numpy.ones(count), numpy.zeros(count)])
    shares = numpy.concatenate([preference, 1 - preference])
    weights = numpy.concatenate([weight, weight])
    scorer = make_scorer(log_loss, response_method="predict_proba", greater_is_better=False)
    model = LogisticRegressionCV(
        cv=splits, scoring=scorer.set_score_request(preference=True, weight=True),
        random_state=123, dual=False, penalty="l1", solver="liblinear", fit_intercept=False)
    model.set_fit_request(sample_weight=True)
    model.fit(numpy.concatenate([features, features]), labels, sample_weight=shares * weights,
              preference=shares, weight=weights)
    return model.coef_[0], float(model.C_[0])


def make_case(draw, num_answers, num_gamed, strength):
    difficulty = draw.normal(-2, 1.5, num_answers)
    baseline = draw.integers(200, 4000, num_answers)
    model = numpy.maximum(1, (baseline * draw.lognormal(-0.5, 0.6, num_answers)).astype(int))
    difference = baseline - model
    scaled = difference / difference.std(ddof=1)
    score = strength * numpy.tanh(scaled) + 0.6 * difficulty + 0.3
    preference = 1 / (1 + numpy.exp(-(score + draw.normal(0, 1.5, num_answers))))
    preference[::11] = numpy.round(preference[::11])
    judged = numpy.ones(num_answers, bool)
    judged[5::29] = False
    gamed_difficulty = numpy.resize(difficulty, num_gamed)
    gamed_difference = draw.normal(0, 1, num_gamed)
    gamed_preference = 1 / (1 + numpy.exp(-(draw.normal(0, 1, num_gamed)
                                            - 0.8 * numpy.tanh(gamed_difference))))
    features = numpy.column_stack([
        numpy.concatenate([numpy.tanh(gamed_difference), numpy.tanh(scaled[judged])]),
        numpy.concatenate([gamed_difficulty, difficulty[judged]]),
        numpy.concatenate([numpy.zeros(num_gamed), numpy.ones(judged.sum())])])
    weight = numpy.concatenate([numpy.full(num_gamed, GAMED_WEIGHT), numpy.ones(judged.sum())])
    coefficients, chosen = fit(
        features, numpy.concatenate([gamed_preference, preference[judged]]), weight)
    predicted = 1 / (1 + numpy.exp(-(coefficients[1] * difficulty + coefficients[2])))
    return {
        "answers": [[float(p) if j else None, int(b), int(m), float(d)] for p, j, b, m, d in
                    zip(preference, judged, baseline, model, difficulty)],
        "gamed": [[float(p), float(l), float(d)] for p, l, d in
                  zip(gamed_preference, gamed_difference, gamed_difficulty)],
        "weights": [float(value) for value in coefficients],
        "c": chosen,
        "win_rate": float(100 * predicted.mean())}


def make_fit(draw, strength, seed):
    """One regression at a given strength and seed of the solver."""
    features = draw.normal(0, 1, (60, 3))
    labels = (features @ [1.0, -0.5, 0.0] + draw.normal(0, 1, 60) > 0).astype(int)
    weight = draw.uniform(0, 2, 60).round(3)
    model = LogisticRegression(C=strength, random_state=seed, penalty="l1", solver="liblinear",
                               fit_intercept=False).fit(features, labels, sample_weight=weight)
    return {"rows": [[*map(float, row), int(label), float(w)] for row, label, w in
                     zip(features, labels, weight)],
            "c": strength,
            "seed": int(numpy.random.RandomState(seed).randint(numpy.iinfo("i").max)),
            "weights": [float(value) for value in model.coef_[0]]}


def main():
    set_config(enable_metadata_routing=True)
    draw = numpy.random.default_rng(11)
    random_state = numpy.random.RandomState(123)
    print("seeds:", [int(random_state.randint(numpy.iinfo("i").max)) for _ in range(10)])
    cases = [make_case(draw, 120, 240, 1.0), make_case(draw, 45, 90, -2.0),
             make_case(draw, 30, 0, 0.0)]
    set_config(enable_metadata_routing=False)
    fits = [make_fit(draw, strength, seed) for strength, seed in
            [(1e-4, 1), (0.02, 2), (0.1, 3), (1.0, 4), (50.0, 5), (1e4, 6)]]
    with open(CASES / "length_controlled.json", "w", encoding="utf-8") as file:
        json.dump({"cases": cases, "fits": fits}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
