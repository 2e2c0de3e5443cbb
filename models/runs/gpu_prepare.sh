#!/usr/bin/env bash
# Everything that runs/gpu.sh needs on a rented machine without internet, made where there is some: the tokenizer, the
# shards packed to fit in 60 MB, and wheels of what such machines lack. Run it before the clock starts; every stage
# skips what is done.
#
#   BENCHMARK=PATH/TO/human-eval-infilling bash models/runs/gpu_prepare.sh    # then carry models/data/base along
#   PYTHON_VERSION=3.12 bash models/runs/gpu_prepare.sh    # the rented machine's Python, for the wheels
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD"
python=${PYTHON:-python3}
carried=data/base
mkdir -p parafill-base "$carried"

"$python" scripts/corpus.py fetch
"$python" scripts/corpus.py filter
"$python" scripts/corpus.py text ${BENCHMARK:+--benchmark "$BENCHMARK"}
[ -f parafill-base/tokenizer.json ] ||
  "$python" scripts/tokenizer.py --size 16384 --out parafill-base/tokenizer.json
"$python" scripts/corpus.py shards --shards data/base-shards --tokenizer parafill-base/tokenizer.json
"$python" scripts/corpus.py pack --shards data/base-shards --packed "$carried/packed" --pack-limit-mb 55
"$python" -m pip download --quiet --no-deps --only-binary=:all: --python-version "${PYTHON_VERSION:-3.12}" \
  --platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux_2_28_x86_64 \
  --dest "$carried/wheels" $(grep -o '^tree-sitter[^ ]*' requirements.txt)

# What travels: the working tree and what was made here. The weights that are shipped already are not needed there.
bytes() { (cd .. && git ls-files -z | grep -z $1 -E '\.(onnx|safetensors)$' | xargs -0 stat -c %s | awk '{ n += $1 } END { print n }'); }
made=$(du -sb "$carried" | cut -f1)
awk -v tree="$(bytes -v)" -v weights="$(bytes '')" -v made="$made" 'BEGIN {
  printf "to carry: tree %.1f MB + data/base %.1f MB = %.1f MB\n", tree / 1e6, made / 1e6, (tree + made) / 1e6
  printf "and shipped weights of %.1f MB, unless you move them out of the tree\n", weights / 1e6
  if (tree + made > 60e6) { print "error: more than 60 MB" > "/dev/stderr"; exit 1 }
}'
