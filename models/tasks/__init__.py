"""Evaluations: what is asked of a model and how the answers are judged.

All of them go through the product's own engine (`npm run infill -- --jsonl`), never through
torch: what is measured is what a user gets.
"""
