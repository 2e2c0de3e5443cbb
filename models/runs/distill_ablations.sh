#!/usr/bin/env bash
# The choices of distillation (reverse KL, forward KL, JSD, certainty) against each other from one teacher; prints one
# table for LOG.md: exact match, similarity, entropy and distinct-of-10. Resumes.
#
#   TEACHER=checkpoints/small/pretrain STEPS=20 ROUNDS=2 LIMIT=100 bash models/runs/distill_ablations.sh [OPTIONS]
#
# It needs shards and their tokenizer (runs/cpu.sh makes them).
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD" OMP_NUM_THREADS="${THREADS:-1}"
"${PYTHON:-python3}" scripts/ablate_distill.py "${TEACHER:-parafill-small/checkpoint}" --preset "${PRESET:-small}" \
  --steps "${STEPS:-20}" --rounds "${ROUNDS:-2}" --limit "${LIMIT:-100}" --batch "${BATCH:-8}" \
  --threads "${THREADS:-1}" --shards "${SHARDS:-data/shards}" \
  --tokenizer "${TOKENIZER:-parafill-small/tokenizer.json}" --out "${OUT:-checkpoints/distill-ablations}" "$@"
