#!/usr/bin/env bash
# One rented GPU for a fixed time: pretraining, distillation and export, planned by the clock, always ending with a
# usable model folder.
#
#   MINUTES=28 OUT=/results bash models/runs/gpu.sh            # in the foreground
#   setsid bash models/runs/gpu.sh > gpu.log 2>&1 &            # detached; poll $OUT/progress
#
# It needs the shards (data/shards, or data/packed from `scripts/corpus.py pack`) and the tokenizer, and fetches
# nothing. FROM=FOLDER continues from a checkpoint. PRESET=tiny MINUTES=3 rehearses every stage on a CPU.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD"
python=${PYTHON:-python3}
preset=${PRESET:-base}
minutes=${MINUTES:-28}
rounds=${ROUNDS:-4}
out=${OUT:-checkpoints/$preset}
tokenizer=${TOKENIZER:-parafill-$preset/tokenizer.json}
processes=${PROCESSES:-1}
batch=${BATCH:-64}
workers=${WORKERS:-14}
mkdir -p "$out"

# Shares of the time: 62 % pretraining, 5 % a round of distillation, the rest for start-up and writing.
share() { awk -v m="$minutes" -v s="$1" 'BEGIN { printf "%.2f", m * s }'; }
say() { echo "$(date +%T) $*" | tee -a "$out/progress"; }
train() {
  "$python" -m torch.distributed.run --standalone --nproc-per-node "$processes" "$@" \
    --batch "$batch" --workers "$workers" --preset "$preset" --tokenizer "$tokenizer" --out "$out"
}
export_one() { "$python" scripts/export.py "$1" --out "$out/$2" --name "$2" --tokenizer "$tokenizer"; }

[ -f data/shards/shards.json ] || { say "unpacking shards"; "$python" scripts/corpus.py unpack; }
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
say "done: $out/$last"
