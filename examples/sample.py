import json
import os


def read_config(path):
    """Reads a JSON file; a missing one is an empty configuration."""
    if not os.path.exists(path):
        return ⟦⟧
    with open(path) as file:
        return ⟦⟧


def write_config(path, config):
    with open(path, "w") as file:
        json.dump(⟦⟧)
