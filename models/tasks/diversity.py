"""How different several draws for one hole are. A distilled model may collapse to one answer; these figures show it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from parafill.tokenizer import CodeTokenizer
from tasks.engine import Answer
from tasks.metrics import mean

#: Which share of the teacher's figures a student may lose (or gain) before it counts as changed.
TOLERANCE = 0.15


@dataclass(frozen=True)
class Diversity:
    """One value a hole that was answered."""

    #: Different fills among the draws.
    different: list[float]
    #: Entropy in nats of the tokens of all draws together, by their frequencies.
    entropy: list[float]

    def ratios(self, teacher: Diversity) -> tuple[float, float]:
        """Means of different fills and of entropy, as shares of the teacher's."""
        return mean(self.different) / mean(teacher.different), mean(self.entropy) / mean(teacher.entropy)


def token_entropy(fills: Sequence[Sequence[int]], draws: Sequence[int] | None = None) -> float:
    """Entropy in nats of the tokens of all fills together, each drawn so often; 0 of nothing."""
    counts: Counter[int] = Counter()
    for fill, times in zip(fills, draws or [1] * len(fills), strict=True):
        for token in fill:
            counts[token] += times
    total = sum(counts.values())
    return -sum(n / total * math.log(n / total) for n in counts.values())


def diversity(answers: Sequence[Answer], tokenizer: CodeTokenizer) -> Diversity:
    """Of the answers that came. Draws that cut a character apart are withheld by the engine and not counted."""
    came = [answer for answer in answers if answer.error is None]
    return Diversity(
        [float(len(answer.fills)) for answer in came],
        [token_entropy([tokenizer.encode(fills[0]) for fills in answer.fills], answer.draws) for answer in came],
    )
