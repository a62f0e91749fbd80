"""Verdicts weighed by how reliable each annotator turns out to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from culturebench.annotation.decisions import Decision

ROUNDS = 1000
#: Ends when the mean log-likelihood of an item grows by less.
TOLERANCE = 1e-8
_MIN_PROBABILITY = 1e-10


def keep_probabilities(decisions: Mapping[str, Sequence[Decision]]) -> dict[str, float]:
    """Picture id to the probability that it is to be kept, by expectation maximisation from the vote shares.

    Source: Dawid and Skene, Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm (1979).
    """
    pictures = [name for name in sorted(decisions) if decisions[name]]
    if not pictures:
        return {}
    votes = [(n, d.annotator, d.verdict == "keep") for n, name in enumerate(pictures) for d in decisions[name]]
    people = {name: number for number, name in enumerate(sorted({annotator for _, annotator, _ in votes}))}
    item = np.array([n for n, _, _ in votes])
    who = np.array([people[annotator] for _, annotator, _ in votes])
    said = np.array([int(keep) for _, _, keep in votes])
    truth = np.zeros((len(pictures), 2))  # (pictures, reject | keep)
    np.add.at(truth, (item, said), 1.0)
    truth /= truth.sum(axis=1, keepdims=True)
    before = -np.inf
    for _ in range(ROUNDS):
        errors = np.zeros((len(people), 2, 2))  # (annotators, truth, answer)
        np.add.at(errors.transpose(0, 2, 1), (who, said), truth[item])
        errors /= np.maximum(errors.sum(axis=2, keepdims=True), _MIN_PROBABILITY)
        joint = np.tile(np.log(np.maximum(truth.mean(axis=0), _MIN_PROBABILITY)), (len(pictures), 1))
        np.add.at(joint, item, np.log(np.maximum(errors, _MIN_PROBABILITY))[who, :, said])
        highest = joint.max(axis=1, keepdims=True)
        truth = np.exp(joint - highest)
        likelihood = float((np.log(truth.sum(axis=1)) + highest[:, 0]).mean())
        truth /= truth.sum(axis=1, keepdims=True)
        if likelihood - before < TOLERANCE:
            break
        before = likelihood
    return {name: float(share) for name, share in zip(pictures, truth[:, 1], strict=True)}
