"""A quadratic pull of values towards where earlier tasks left them, each element as strongly as the tasks need it.

    penalty = sum over tasks k of sum over i of F_k,i (v_i - v*_k,i)^2,     F_k: importance, v*_k: values after task k

A sum of parabolas is a parabola, so that all tasks take one importance F, one anchor m and one constant:
F = sum F_k, m = sum F_k v*_k / F, and the sum above is F (v - m)^2 + constant, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Anchor:
    """Of one tensor of values. importance, anchor: float32, its shape; constant: float32, shape ()."""

    importance: Tensor
    anchor: Tensor
    constant: Tensor

    def penalty(self, values: Tensor) -> Tensor:
        """Shape (), float32."""
        return (self.importance * (values.float() - self.anchor).square()).sum() + self.constant

    def moved(self, by: Tensor) -> Anchor:
        """For values counted from a new origin, which lies at `by`."""
        return Anchor(self.importance, self.anchor - by, self.constant)

    def faded(self, by: float) -> Anchor:
        return Anchor(by * self.importance, self.anchor, by * self.constant)

    def to(self, device: torch.device) -> Anchor:
        return Anchor(self.importance.to(device), self.anchor.to(device), self.constant.to(device))

    def joined(self, importance: Tensor, values: Tensor) -> Anchor:
        """With one task more, which left `values`."""
        total = self.importance + importance
        share = torch.where(total > 0, importance / total, 1.0)
        gap = values - self.anchor
        apart = (self.importance * share * gap.square()).sum()
        return Anchor(total, self.anchor + share * gap, self.constant + apart)


def first_anchor(importance: Tensor, values: Tensor) -> Anchor:
    return Anchor(importance, values.clone(), importance.new_zeros(()))
