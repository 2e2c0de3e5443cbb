#!/usr/bin/env bash
# One rented GPU for a fixed time: pretraining, distillation and exports, planned by the clock, always ending with a
# usable model folder.
#
#   mkdir -p models/checkpoints
#   setsid bash models/runs/gpu.sh > models/checkpoints/gpu.log 2>&1 < /dev/null &    # detached
#
# It needs what runs/gpu_prepare.sh made (data/base and the tokenizer) and fetches nothing. MINUTES is all the time there
# is: leave out what the machine took to start and what fetching takes. FROM=FOLDER continues from a checkpoint. BATCH
# stays at 64 or less: more targets than 2^31 / vocabulary make the loss compile a second time. Rehearsal on a CPU:
#
#   PRESET=tiny MINUTES=4 ROUNDS=1 BATCH=2 WORKERS=1 bash models/runs/gpu.sh
#
# What is to be brought back lies in $RUN/results in pieces of 15 MB, the teacher's from the end of pretraining on, the
# student's in their place at the end: `cat model.* | tar x` and `cat checkpoint.* | tar x` put them together. Where an
# export failed, `raw.*` are the weights themselves. Of a machine that is taken away between two calls, the calls wait:
#
#   for i in $(seq 100); do [ -e models/checkpoints/base/results/model.aa ] && break; sleep 5; done
#
# EVALUATION.md is written at home, where the engine is and time is cheap:
# scripts/report.py --model student --teacher student/checkpoint (what a student was distilled from lies beside it).
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD"
# The number of targets, and so the size of the logits, changes every step; fixed segments would fragment.
export PYTORCH_CUDA_ALLOC_CONF=${PYTORCH_CUDA_ALLOC_CONF:-expandable_segments:True}
python=${PYTHON:-python3}
preset=${PRESET:-base}
minutes=${MINUTES:-22}
# A short run has no time for many rounds, nor to try kernels out.
is_short=$(awk -v m="$minutes" 'BEGIN { print (m < 18) }')
rounds=${ROUNDS:-$((is_short ? 2 : 3))}
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
# has_until SHARE MINUTES: whether so many minutes are left until then.
has_until() { awk -v t="$(until_share "$1")" -v least="$2" 'BEGIN { exit !(t >= least) }'; }
# within MINUTES COMMAND…: ends the command that long after its own time was over; a hanging stage must not take the rest.
within() {
  local limit=$1
  shift
  timeout --kill-after 10 "$(awk -v m="$limit" 'BEGIN { printf "%d", 60 * m + 60 }')" "$@"
}
data=(--tokenizer "$tokenizer" --shards "$shards")
# One process needs no launcher. With several, a machine that does not know its own name would wait for minutes.
launcher=("$python")
[ "$processes" -gt 1 ] &&
  launcher+=(-m torch.distributed.run --standalone --local-addr 127.0.0.1 --nproc-per-node "$processes")
train() {
  local limit=$1 script=$2
  shift 2
  within "$limit" "${launcher[@]}" "$script" "$@" \
    "${data[@]}" --preset "$preset" --batch "$batch" --workers "$workers" --out "$run"
}
# export_one CHECKPOINT NAME: a model folder, and the same in pieces; what was there before stays until these are.
export_one() {
  within 2 "$python" scripts/export.py "$1" "${data[@]}" --out "$run/$2" --name "parafill-$2" \
    --continue-from "$run/pretrain" --logs $(ls "$run/pretrain.jsonl" "$run/distill.jsonl" 2>/dev/null) || return
  rm -rf "$run/results.new"
  mkdir "$run/results.new"
  tar c -C "$run" --exclude checkpoint "$2" progress $(cd "$run" && ls ./*.jsonl) | split -b 15m - "$run/results.new/model."
  tar c -C "$run" "$2/checkpoint" | split -b 15m - "$run/results.new/checkpoint."
  rm -rf "$run/results"
  mv "$run/results.new" "$run/results"
  say "exported $1: $(ls "$run/results" | wc -l) pieces"
}
# export_or_raw CHECKPOINT NAME: where the export fails, at least the weights in half precision.
export_or_raw() {
  export_one "$1" "$2" && return
  say "exporting $1 failed; its weights go as they are"
  mkdir -p "$run/results"
  "$python" -c 'import sys, torch
from pathlib import Path
from parafill.checkpoint import load_info, load_model, save_checkpoint
start, out = map(Path, sys.argv[1:])
save_checkpoint(out, load_model(start), load_info(start), dtype=torch.float16)' "$1" "$run/raw" &&
    tar c -C "$run" raw | split -b 15m - "$run/results/raw."
}

unpacking=
[ -f "$shards/shards.json" ] || {
  say "unpacking shards"
  "$python" scripts/corpus.py unpack --packed data/base/packed --shards "$shards" &
  unpacking=$!
}
"$python" -c 'import tree_sitter, tree_sitter_python' 2>/dev/null || {
  site=${TMPDIR:-/tmp}/parafill-site
  "$python" -m pip install --quiet --no-index --no-deps --find-links data/base/wheels --target "$site" data/base/wheels/*.whl
  export PYTHONPATH="$PWD:$site"
}
"$python" -c 'import parafill.pretraining, parafill.distill, parafill.sources, parafill.export' || {
  say "what training needs cannot be imported"
  exit 1
}

# FlexAttention skips what nobody may see. It has to prove here that it is right, and is what is fastest where it works.
kernel=()
if ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  say "no GPU: dense attention"
elif [ "$is_short" = 1 ]; then
  kernel=(--flex)
else
  # probe BATCH OPTIONS…: positions a second; nothing where it fails.
  probe() {
    local size=$1
    shift
    within 0.5 "$python" scripts/speed.py --preset "$preset" --batch "$size" --only-training --repeats 3 "$@" 2>>"$run/probe.log" |
      tee -a "$run/probe.log" | tail -1 | grep -o '[0-9]*}' | tr -d '}'
  }
  for options in "$batch --flex" "$batch" "$((batch / 2)) --flex" "$((batch / 2))"; do
    read -r size flag <<<"$options"
    rate=$(probe "$size" $flag)
    say "probe: batch $size ${flag:-dense attention}: ${rate:-failed} positions/s"
    batch=$size
    kernel=($flag)
    [ -n "$rate" ] && break
  done
fi
[ -z "$unpacking" ] || wait "$unpacking" || {
  say "the shards cannot be unpacked"
  exit 1
}

# Shares of the time: pretraining until 66 %, distillation until 88 %, the rest for exports and evaluation.
for attempt in 1 2 3; do
  left=$(until_share 0.66)
  say "pretraining for $left minutes in batches of $batch ${kernel[*]}"
  # A resumed run counts the time that is in its checkpoint.
  done=$(grep -o -m 1 '"seconds": [0-9]*' "$run/pretrain/info.json" 2>/dev/null | grep -o '[0-9]*$')
  all=$(awk -v left="$left" -v done="${done:-0}" 'BEGIN { print left + done / 60 }')
  train "$left" scripts/pretrain.py --minutes "$all" "${kernel[@]}" ${FROM:+--from "$FROM"} && break
  say "pretraining ended early (attempt $attempt); what there is stays"
  [ -f "$run/pretrain/weights.safetensors" ] && ! has_until 0.66 1 && break
  # What may have been the cause goes, one thing after the other; a compilation that was killed leaves half a file.
  export TORCHINDUCTOR_CACHE_DIR=$(mktemp -d)
  batch=$(((batch + 1) / 2))
  kernel=()
  if [ "$attempt" = 2 ]; then
    kernel=(--no-compile)
    export PYTORCH_CUDA_ALLOC_CONF=
  fi
done
# From here on there is something to ship, whatever happens next.
export_or_raw "$run/pretrain" teacher &
exporting=$!

last=pretrain
for attempt in 1 2; do
  left=$(until_share 0.88)
  # What a round overshoots, and loading and saving, takes from the last one.
  each=$(awk -v m="$left" -v n="$rounds" 'BEGIN { m -= 0.5; printf "%.2f", (m > 0.1 ? m : 0.1) / n }')
  say "distilling $rounds rounds of $each minutes ${kernel[*]}"
  train "$left" scripts/distill.py "$run/pretrain" --minutes "$each" --rounds "$rounds" "${kernel[@]}" && break
  say "distillation ended early (attempt $attempt)"
  has_until 0.88 1.5 || break
  kernel=(--no-compile)
done
for number in $(seq "$rounds" -1 1); do
  if [ -f "$run/round$number/weights.safetensors" ]; then
    last=round$number
    break
  fi
done
wait "$exporting"
[ "$last" = pretrain ] || export_or_raw "$run/$last" student

for checkpoint in $(printf "%s\n" pretrain "$last" | sort -u); do
  has_until 1 2 || break
  say "losses of $checkpoint: $(within 1 "$python" scripts/losses.py "$run/$checkpoint" "${data[@]}" --preset "$preset" --batches 2 | tail -1)"
done
say "done: $run/results has $(ls "$run/results" 2>/dev/null | wc -l) pieces of $last"
cp "$run/progress" "$run/results/"
