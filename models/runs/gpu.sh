#!/usr/bin/env bash
# One rented GPU for a fixed time: pretraining, distillation and export, planned by the clock, always ending with a
# usable model folder.
#
#   MINUTES=28 OUT=/results bash models/runs/gpu.sh            # in the foreground
#   setsid bash models/runs/gpu.sh > gpu.log 2>&1 &            # detached; poll $OUT/progress
#
# It needs what runs/gpu_prepare.sh made (data/base and the tokenizer) and fetches nothing. FROM=FOLDER continues from a
# checkpoint. Rehearsal of every stage on a CPU, with the small tokenizer and its shards:
#
#   PRESET=tiny MINUTES=3 BATCH=2 WORKERS=1 SHARDS=data/shards TOKENIZER=parafill-small/tokenizer.json bash models/runs/gpu.sh
#
# What is to be brought back lies in $OUT/results in pieces of 15 MB; `cat part-* | tar x` puts them together.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD"
python=${PYTHON:-python3}
preset=${PRESET:-base}
minutes=${MINUTES:-28}
rounds=${ROUNDS:-4}
out=${OUT:-checkpoints/$preset}
tokenizer=${TOKENIZER:-parafill-$preset/tokenizer.json}
shards=${SHARDS:-data/$preset-shards}
processes=${PROCESSES:-1}
batch=${BATCH:-48}
workers=${WORKERS:-14}
mkdir -p "$out"

# Shares of the time: 62 % pretraining, 5 % a round of distillation, the rest for start-up and writing.
share() { awk -v m="$minutes" -v s="$1" 'BEGIN { printf "%.2f", m * s }'; }
say() { echo "$(date +%T) $*" | tee -a "$out/progress"; }
train() {
  "$python" -m torch.distributed.run --standalone --nproc-per-node "$processes" "$@" \
    --batch "$batch" --workers "$workers" --preset "$preset" --tokenizer "$tokenizer" --shards "$shards" \
    --out "$out"
}
# A failed export must not cost the stages behind it: the checkpoint is there.
export_one() {
  "$python" scripts/export.py "$1" --out "$out/$2" --name "parafill-$2" --tokenizer "$tokenizer" \
    --shards "$shards" --continue-from "$out/pretrain" || say "exporting $1 failed"
}

"$python" -c 'import tree_sitter' 2>/dev/null ||
  "$python" -m pip install --quiet --no-index --find-links data/base/wheels $(grep -o '^tree-sitter[^=]*' requirements.txt)
[ -f "$shards/shards.json" ] || {
  say "unpacking shards"
  "$python" scripts/corpus.py unpack --packed data/base/packed --shards "$shards"
}
say "pretraining for $(share 0.62) minutes"
train scripts/pretrain.py --minutes "$(share 0.62)" ${FROM:+--from "$FROM"}
# From here on there is something to ship, whatever happens next.
export_one "$out/pretrain" teacher
last=teacher
say "distilling $rounds rounds of $(share 0.05) minutes"
if train scripts/distill.py "$out/pretrain" --minutes "$(share 0.05)" --rounds "$rounds"; then
  export_one "$out/round$rounds" student
  last=student
else
  say "distillation failed; the teacher is what there is"
fi
mkdir -p "$out/results"
tar c -C "$out" "$last" pretrain.jsonl $(cd "$out" && ls distill.jsonl 2>/dev/null) | split -b 15m - "$out/results/part-"
say "done: $out/$last, in $(ls "$out/results" | wc -l) pieces"
