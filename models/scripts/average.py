"""Averages checkpoints: `python scripts/average.py FOLDER=0.5 FOLDER=0.3 FOLDER=0.2 --out CHECKPOINT`.

The last one should be first: what is known of it is what is known of the average.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from parafill.checkpoint import average, load_info, load_model, save_checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", metavar="FOLDER=SHARE", help="shares add up to 1")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    folders = [Path(part.rpartition("=")[0]) for part in options.parts]
    try:
        shares = [float(part.rpartition("=")[2]) for part in options.parts]
        mean = average([load_model(folder) for folder in folders], shares)
    except ValueError as error:
        parser.error(str(error))
    names = {"/".join(folder.parts[-2:]): share for folder, share in zip(folders, shares, strict=True)}
    save_checkpoint(options.out, mean, {**load_info(folders[0]), "averaged": names})


if __name__ == "__main__":
    main()
