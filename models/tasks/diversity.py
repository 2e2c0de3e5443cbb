"""How different several draws for one hole are. A distilled model may collapse to one answer; these figures show it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from parafill.tokenizer import CodeTokenizer
from tasks.engine import Answer
from tasks.metrics import markdown_table, mean


def token_entropy(fills: Sequence[Sequence[int]]) -> float:
    """Entropy in nats of the tokens of all fills together, by their frequencies; 0 of nothing."""
    counts = Counter(token for fill in fills for token in fill)
    total = sum(counts.values())
    return -sum(n / total * math.log(n / total) for n in counts.values())


def diversity(answers: Sequence[Answer], draws: int, tokenizer: CodeTokenizer) -> dict[str, float]:
    """Means over the answers that came: share of different fills among the draws, and their token entropy.

    The engine gives equal fills once, so what is counted is what is there; entropies are of the different fills.
    """
    drawn = [[fills[0] for fills in answer.fills] for answer in answers if answer.error is None]
    return {
        "different": round(mean([len(set(fills)) / draws for fills in drawn]), 4),
        "entropy": round(mean([token_entropy([tokenizer.encode(fill) for fill in fills]) for fills in drawn]), 4),
    }


def diversity_table(rows: Sequence[tuple[str, dict[str, float]]], draws: int, temperature: float) -> str:
    """One line a run."""
    header = [f"{draws} draws at temperature {temperature}", f"different of {draws}", "entropy of tokens, nats"]
    cells = [[label, f"{draws * found['different']:.1f}", f"{found['entropy']:.2f}"] for label, found in rows]
    return markdown_table(header, cells)
