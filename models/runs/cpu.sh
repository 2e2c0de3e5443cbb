#!/usr/bin/env bash
# From nothing to a shipped model on CPU cores. Every stage skips or resumes what is done; run it again after a break.
#
#   PRETRAIN_MINUTES=66 DISTILL_MINUTES=5 ROUNDS=3 bash models/runs/cpu.sh
#
# One training process with one thread a core: DDP waits once a step, threads inside one process at every operation.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD"
processes=${PROCESSES:-2}
batch=$((8 / processes))
run=${RUN:-checkpoints/small}
python=${PYTHON:-python3}

train() {
  OMP_NUM_THREADS=1 "$python" -m torch.distributed.run --standalone --nproc-per-node "$processes" \
    "$@" --preset "${PRESET:-small}" --batch "$batch" --threads 1 --out "$run"
}

"$python" scripts/corpus.py fetch
"$python" scripts/corpus.py filter
"$python" scripts/corpus.py text ${BENCHMARK:+--benchmark "$BENCHMARK"}
[ -f parafill-small/tokenizer.json ] || "$python" scripts/tokenizer.py
"$python" scripts/corpus.py shards
train scripts/pretrain.py --minutes "${PRETRAIN_MINUTES:-66}"
rounds=${ROUNDS:-3}
train scripts/distill.py "$run/pretrain" --minutes "${DISTILL_MINUTES:-5}" --rounds "$rounds"
"$python" scripts/export.py "$run/pretrain" --out "$run/teacher" --name parafill-small-teacher
"$python" scripts/export.py "$run/round$rounds" --out "${OUT:-parafill-small}" --continue-from "$run/pretrain"
(cd .. && npm run --silent build)
"$python" scripts/evaluate.py --model "$run/teacher" --label teacher --oracle
"$python" scripts/evaluate.py --model "${OUT:-parafill-small}" --label student --oracle
