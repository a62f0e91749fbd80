"""How many different pictures there are, as a number between 1 and all of them."""

from __future__ import annotations

import torch
from torch import Tensor


def vendi_score(embeddings: Tensor) -> float:
    """The Vendi score of unit vectors (n, d) by their cosines: 1 for equal ones, n for orthogonal ones.

    exp of the entropy of the eigenvalues of the cosines divided by n (Friedman and Dieng 2023, definition 3.1).
    """
    cosines = embeddings.double() @ embeddings.double().T
    eigenvalues = torch.linalg.eigvalsh(cosines / len(embeddings)).clamp_min(0)
    return float(torch.special.entr(eigenvalues).sum().exp())
