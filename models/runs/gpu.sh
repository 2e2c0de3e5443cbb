#!/usr/bin/env bash
# One rented GPU for a fixed time: pretraining, distillation, evaluation and export, planned by the clock, always ending
# with a usable model folder.
#
#   setsid bash models/runs/gpu.sh > gpu.log 2>&1 &      # detached; poll models/checkpoints/base/progress
#
# It needs what runs/gpu_prepare.sh made (data/base and the tokenizer) and fetches nothing. MINUTES is all the time there
# is, start and writing included. FROM=FOLDER continues from a checkpoint. Rehearsal of every stage on a CPU:
#
#   PRESET=tiny MINUTES=4 ROUNDS=1 BATCH=2 WORKERS=1 bash models/runs/gpu.sh
#
# What is to be brought back lies in $RUN/results in pieces of 15 MB, the model first: `cat model.* | tar x` and
# `cat checkpoint.* | tar x` put them together. EVALUATION.md is written at home, where the engine is and time is cheap:
# scripts/report.py --model student --teacher student/checkpoint (what a student was distilled from lies beside it).
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD"
# The number of targets, and so the size of the logits, changes every step; fixed segments would fragment.
export PYTORCH_CUDA_ALLOC_CONF=${PYTORCH_CUDA_ALLOC_CONF:-expandable_segments:True}
python=${PYTHON:-python3}
preset=${PRESET:-base}
minutes=${MINUTES:-25}
# A short run has no time for many rounds, nor to try kernels out.
is_short=$(awk -v m="$minutes" 'BEGIN { print (m < 20) }')
rounds=${ROUNDS:-$((is_short ? 2 : 4))}
run=${RUN:-checkpoints/$preset}
tokenizer=${TOKENIZER:-parafill-base/tokenizer.json}
shards=${SHARDS:-data/base-shards}
processes=${PROCESSES:-1}
batch=${BATCH:-48}
workers=${WORKERS:-14}
mkdir -p "$run"
rm -rf "$run/results"

say() { echo "$(date +%T) $*" | tee -a "$run/progress"; }
# until_share S: minutes from now until the share S of the time is over, never less than a few seconds.
until_share() { awk -v m="$minutes" -v s="$1" -v now="$SECONDS" 'BEGIN { t = m * s - now / 60; print (t > 0.05 ? t : 0.05) }'; }
# within MINUTES COMMAND…: ends the command that long after its own time was over; a hanging stage must not take the rest.
within() {
  local limit=$1
  shift
  timeout --kill-after 10 "$(awk -v m="$limit" 'BEGIN { printf "%d", 60 * m + 60 }')" "$@"
}
data=(--tokenizer "$tokenizer" --shards "$shards")
train() {
  local limit=$1 script=$2
  shift 2
  within "$limit" "$python" -m torch.distributed.run --standalone --nproc-per-node "$processes" "$script" "$@" \
    "${data[@]}" --preset "$preset" --batch "$batch" --workers "$workers" --out "$run"
}
# export_one CHECKPOINT NAME: a model folder, and the same in pieces; what was there before stays until these are.
export_one() {
  "$python" scripts/export.py "$1" "${data[@]}" --out "$run/$2" --name "parafill-$2" --continue-from "$run/pretrain" \
    --logs $(ls "$run/pretrain.jsonl" "$run/distill.jsonl" 2>/dev/null) || return
  rm -rf "$run/results.new"
  mkdir "$run/results.new"
  tar c -C "$run" --exclude checkpoint "$2" progress $(cd "$run" && ls ./*.jsonl) | split -b 15m - "$run/results.new/model."
  tar c -C "$run" "$2/checkpoint" | split -b 15m - "$run/results.new/checkpoint."
  rm -rf "$run/results"
  mv "$run/results.new" "$run/results"
  say "exported $1: $(ls "$run/results" | wc -l) pieces"
}

"$python" -c 'import tree_sitter, tree_sitter_python' 2>/dev/null || {
  "$python" -m pip install --quiet --no-index --no-deps --find-links data/base/wheels --target data/base/site data/base/wheels/*.whl
  export PYTHONPATH="$PWD:$PWD/data/base/site"
}
[ -f "$shards/shards.json" ] || {
  say "unpacking shards"
  "$python" scripts/corpus.py unpack --packed data/base/packed --shards "$shards"
}

# The kernels and the batch that work here and are fastest: a minute spent on this is soon won back. A short run takes
# what should be fastest, and the other when that dies.
kernel=()
if ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  say "no GPU: dense attention"
elif [ "$is_short" = 1 ]; then
  kernel=(--flex)
else
  best=0
  for options in "--flex" "" "--flex --half"; do
    size=$batch
    [ "$options" = "--flex --half" ] && size=$((batch / 2))
    [ "$best" != 0 ] && [ "$size" != "$batch" ] && continue
    flag=${options% --half}
    rate=$(within 0.75 "$python" scripts/speed.py --preset "$preset" --batch "$size" --only-training $flag 2>>"$run/probe.log" |
      tee -a "$run/probe.log" | tail -1 | grep -o '[0-9]*}' | tr -d '}')
    say "probe: batch $size ${flag:-fused attention}: ${rate:-failed} positions/s"
    if [ "${rate:-0}" -gt "$best" ]; then
      best=$rate
      chosen=$size
      kernel=($flag)
    fi
  done
  batch=${chosen:-$((batch / 2))}
fi

# Shares of the time: pretraining until 66 %, distillation until 88 %, the rest for exports and evaluation.
for attempt in 1 2 3; do
  left=$(until_share 0.66)
  say "pretraining for $left minutes in batches of $batch ${kernel[*]}"
  # A resumed run counts the time that is in its checkpoint.
  done=$(grep -o -m 1 '"seconds": [0-9]*' "$run/pretrain/info.json" 2>/dev/null | grep -o '[0-9]*$')
  all=$(awk -v left="$left" -v done="${done:-0}" 'BEGIN { print left + done / 60 }')
  train "$left" scripts/pretrain.py --minutes "$all" "${kernel[@]}" ${FROM:+--from "$FROM"} && break
  say "pretraining ended early (attempt $attempt); it resumes from the last checkpoint"
  batch=$(((batch + 1) / 2))
  kernel=()
done
# From here on there is something to ship, whatever happens next.
export_one "$run/pretrain" teacher || say "exporting the teacher failed"

left=$(until_share 0.88)
each=$(awk -v m="$left" -v n="$rounds" 'BEGIN { printf "%.2f", m / n }')
say "distilling $rounds rounds of $each minutes"
last=pretrain
train "$left" scripts/distill.py "$run/pretrain" --minutes "$each" --rounds "$rounds" "${kernel[@]}" ||
  say "distillation ended early"
for number in $(seq "$rounds" -1 1); do
  if [ -f "$run/round$number/weights.safetensors" ]; then
    last=round$number
    break
  fi
done
[ "$last" = pretrain ] || export_one "$run/$last" student || say "exporting the student failed"

for checkpoint in $(printf "%s\n" pretrain "$last" | sort -u); do
  say "losses of $checkpoint: $(within 1 "$python" scripts/losses.py "$run/$checkpoint" "${data[@]}" --preset "$preset" --batches 2 | tail -1)"
done
say "done: $run/results has $(ls "$run/results" 2>/dev/null | wc -l) pieces of $last"
