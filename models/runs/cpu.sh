#!/usr/bin/env bash
# From nothing to a shipped model on CPU cores. Every stage skips or resumes what is done; run it again after a break.
#
#   SHORT_MINUTES=58 LONG_MINUTES=29 DISTILL_MINUTES=2 ROUNDS=2 bash models/runs/cpu.sh
#
# EVALUATION.md takes about REPORT_MINUTES more; BENCHMARK names the folder of HumanEval-Infilling.
#
# Pretraining has two parts: short contexts at a constant learning rate, where attention costs little, then contexts
# of full length while the rate falls to zero.
#
# One training process with one thread a core: DDP waits once a step, threads inside one process at every operation.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD"
processes=${PROCESSES:-2}
batch=$((16 / processes))
run=${RUN:-checkpoints/small}
python=${PYTHON:-python3}

# train FOLDER SCRIPT OPTIONS…
train() {
  local out=$1
  shift
  OMP_NUM_THREADS=1 "$python" -m torch.distributed.run --standalone --nproc-per-node "$processes" \
    "$@" --preset "${PRESET:-small}" --batch "$batch" --threads 1 --out "$out"
}

"$python" scripts/corpus.py fetch
"$python" scripts/corpus.py filter
"$python" scripts/corpus.py text ${BENCHMARK:+--benchmark "$BENCHMARK"}
[ -f parafill-small/tokenizer.json ] || "$python" scripts/tokenizer.py
"$python" scripts/corpus.py shards
# A part that ended is left alone, one that was cut off goes on.
train "$run-short" scripts/pretrain.py --sequences small-short --decay-from 1 --minutes "${SHORT_MINUTES:-58}"
train "$run" scripts/pretrain.py --from "$run-short/pretrain" --seed 2 --decay-from 0 --minutes "${LONG_MINUTES:-29}"
rounds=${ROUNDS:-2}
train "$run" scripts/distill.py "$run/pretrain" --minutes "${DISTILL_MINUTES:-2}" --rounds "$rounds"
logs=("$run-short/pretrain.jsonl" "$run/pretrain.jsonl" "$run/distill.jsonl")
"$python" scripts/export.py "$run/round$rounds" --out "${OUT:-parafill-small}" --continue-from "$run/pretrain" \
  --logs "${logs[@]}"
"$python" scripts/count_ngrams.py "${OUT:-parafill-small}"
"$python" scripts/fit_recall.py "${OUT:-parafill-small}"
earlier=()
for number in $(seq 1 $((rounds - 1))); do earlier+=("$run/round$number"); done
"$python" scripts/report.py --model "${OUT:-parafill-small}" --teacher "$run/pretrain" ${earlier[0]:+--rounds "${earlier[@]}"} \
  ${BENCHMARK:+--human-eval "$BENCHMARK"} --minutes "${REPORT_MINUTES:-60}"
