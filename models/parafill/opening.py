"""Where a hole begins inside a token: the end of the text before it is read as part of the hole's first token.

A cursor in the middle of a word would otherwise ask for a part of a word that hardly ever stands alone.
"""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from .batches import split_lead
from .tokenizer import CodeTokenizer

#: What the tokenizer never joins with what stands before it, and may join with what follows: a word, or signs.
_UNFINISHED = re.compile(rb" ?(?:[A-Za-z_]+|[!-/:-@\[-^`{-~]+)")


@dataclasses.dataclass(frozen=True)
class Lead:
    """The beginning of a hole's line, given on its canvas."""

    ids: list[int]
    #: The end of the line before the hole that is not among the ids, because the hole's first token begins with it.
    opening: str = ""
    #: The tokens that begin so, int64, ascending; None where there is no opening.
    first: np.ndarray | None = None
    #: The one of them, if any, that says nothing but what stands before the hole.
    bare: int | None = None
    #: Where no token says the opening alone: leads that leave less of it to the hole, the longest opening first.
    others: tuple[Lead, ...] = ()
    #: Natural log of how likely the hole begins so, where the text before it can go on in other ways, too.
    log_share: float = 0.0


def open_lead(tokenizer: CodeTokenizer, text: str, heals: bool) -> tuple[str, Lead]:
    """Takes the beginning of the last line off the text before a hole: (what is left, lead).

    `heals`: whether more than a blank may be left to the hole's first token, the manifest's `heals`.
    """
    kept, ids, ends_in_blank = split_lead(tokenizer, text)
    if not heals:
        return kept, Lead(ids, " " * ends_in_blank)
    if ends_in_blank:
        return kept, _opened(tokenizer, ids, b" ")
    leads = [Lead(ids)]
    for start in range(len(ids) - 1, -1, -1):
        end = tokenizer.decode_bytes(ids[start:])
        if not _UNFINISHED.fullmatch(end):
            break
        longer = _opened(tokenizer, ids[:start], end)
        if not any(len(tokenizer.decode_bytes([i])) > len(end) for i in longer.first):
            continue
        # What one token says alone includes that nothing is left to the hole.
        if longer.bare is not None:
            leads.clear()
        leads.append(longer)
    longest, *others = reversed(leads)
    return kept, dataclasses.replace(longest, others=tuple(others))


def likeliest_lead(lead: Lead, logs: np.ndarray) -> Lead:
    """The likeliest of a lead and its others: P(its ids) times the probability of all that may come first then.

    logs: float [rows, vocab], log-probabilities behind what all have in common, then each token more of the longest.
    """
    ways = [lead, *lead.others]
    common, longest = len(lead.ids), ways[-1].ids
    masses = []
    for way in ways:
        row = len(way.ids) - common
        of_lead = sum(float(logs[i, longest[common + i]]) for i in range(row))
        masses.append(of_lead + (0.0 if way.first is None else float(np.logaddexp.reduce(logs[row, way.first]))))
    best = int(np.argmax(masses))
    share = 0.0 if ways[best].first is None else masses[best] - float(np.logaddexp.reduce(masses))
    return dataclasses.replace(ways[best], others=(), log_share=share)


def fill_length(tokenizer: CodeTokenizer, before: str, fill: str, heals: bool) -> int:
    """The tokens of a hole's text behind the text before it, as a model writes and counts them."""
    _, lead = open_lead(tokenizer, before, heals)
    return len(tokenizer.encode(lead.opening + fill))


def _opened(tokenizer: CodeTokenizer, ids: list[int], opening: bytes) -> Lead:
    text = opening.decode("ascii")
    whole = tokenizer.encode(text)
    bare = whole[0] if len(whole) == 1 else None
    return Lead(ids, text, np.array(tokenizer.beginning_with(opening)), bare)


def allow_only(logits: np.ndarray, ids: np.ndarray) -> None:
    """Leaves in one row of logits [vocab] only these ids; the others become as good as impossible."""
    allowed = logits[ids]
    logits[:] = -1e4
    logits[ids] = allowed - np.logaddexp.reduce(allowed.astype(np.float64))
