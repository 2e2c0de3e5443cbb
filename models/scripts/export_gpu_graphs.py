"""Derives the graphs for GPUs of a model folder that has none yet: `python scripts/export_gpu_graphs.py FOLDER`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from parafill.export import add_gpu_graphs
from parafill.gpu_graphs import GPU_GRAPHS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    add_gpu_graphs(folder)
    print(json.dumps({"out": str(folder), "bytes": {name: (folder / name).stat().st_size for name in GPU_GRAPHS}}))


if __name__ == "__main__":
    main()
