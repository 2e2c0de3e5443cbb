#!/usr/bin/env bash
# The choices of pretraining (weight of the masked loss, law of mask rates, place of canvas outputs) against each other at
# tiny size, with seeds; prints one table for LOG.md. Resumes. About an hour on two CPU cores with the defaults.
#
#   STEPS=600 SEEDS=3 bash models/runs/ablations.sh [OPTIONS OF scripts/ablate.py]
#
# It needs shards and their tokenizer (runs/cpu.sh makes them).
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD" OMP_NUM_THREADS="${THREADS:-1}"
"${PYTHON:-python3}" scripts/ablate.py --preset "${PRESET:-tiny}" --steps "${STEPS:-600}" --seeds "${SEEDS:-3}" \
  --batch "${BATCH:-8}" --threads "${THREADS:-1}" --shards "${SHARDS:-data/shards}" \
  --tokenizer "${TOKENIZER:-parafill-small/tokenizer.json}" --out "${OUT:-checkpoints/ablations}" "$@"
