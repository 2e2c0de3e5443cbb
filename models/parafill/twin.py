"""The twin's likeliest path, in as few lines as it can be said: what the server's modes `ar` and `verify` give at
temperature 0. The first reads token by token, the second drafts in parallel and checks; they write the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .onnx_model import KvCache
from .opening import Lead, allow_only
from .sampler import Candidate, Infill, log_softmax


def likeliest_path(
    infill: Infill, language: str, segments: Sequence[str], max_tokens: int, files: Sequence[str] = ()
) -> Candidate:
    """Fills hole after hole with the likeliest tokens. `files`: texts of which something may be recalled.

    A hole ends where the whole of it is likeliest: it is read on until its beginning alone is less likely than that.
    """
    context, leads = infill.split(language, list(segments))
    cache, eoh, first_text = infill.model.encode(context), infill.special.eoh, infill.tokenizer.first_text
    leads = infill.likeliest(cache, leads)
    memories = infill.memories(list(segments), leads, files)
    fills, score, complete = [], 0.0, True
    #: Ids and positions of what is known and not read yet.
    unread: list[tuple[int, int]] = []
    for hole, lead in enumerate(leads):
        marker = len(context) + infill.config.hole_stride * hole
        unread += [(token, marker + i) for i, token in enumerate([infill.tokenizer.fill[hole], *lead.ids])]
        start, nothing = marker + 1 + len(lead.ids), _nothing(lead)
        fill: list[int] = []
        # The log-likelihood of the tokens so far, and the likeliest whole among their beginnings with its length.
        total, whole = lead.log_share, (-math.inf, 0)
        for _ in range(max_tokens):
            logs = _read(infill, cache, unread)
            if lead.first is not None and not fill:
                allow_only(logs, lead.first)
            if memories:
                logs = memories[hole].mix(logs, fill)
            if fill not in nothing:
                whole = max(whole, (total + logs[eoh], len(fill)), key=lambda end: end[0])
            token = first_text + int(logs[first_text:].argmax())
            total += logs[token]
            if total <= whole[0]:
                break
            unread = [(token, start + len(fill))]
            fill.append(token)
        ended = total <= whole[0]
        if ended:
            cache.length -= len(fill) - whole[1]
            fill = fill[: whole[1]]
            unread = [(eoh, start + len(fill))]
        fills.append(fill)
        score += float(whole[0] if ended else total)
        complete = complete and ended
    return Candidate(fills, score, complete, tuple(lead.opening for lead in leads))


def _read(infill: Infill, cache: KvCache, tokens: list[tuple[int, int]]) -> np.ndarray:
    """Appends ids at positions to the cache: the log-probabilities [vocab] of what follows."""
    ids, positions = np.array(tokens).T[:, None]
    order = np.arange(len(tokens))[None]
    outputs = infill.model.run(cache, ids, positions, order, np.array([len(tokens) - 1]))
    cache.append(outputs, len(tokens))
    return log_softmax(outputs["logits"])[0]


def _nothing(lead: Lead) -> list[list[int]]:
    """The fills that are no answer: an empty one, and one token that says only what stands before the hole."""
    return [[]] if lead.bare is None else [[], [lead.bare]]
