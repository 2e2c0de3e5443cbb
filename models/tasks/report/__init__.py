"""EVALUATION.md of a model folder: what is asked (`questions`), a module a chapter, and the plots beside them.

Chapters get `Findings` and give markdown. They leave out what nobody was asked, and never fill a gap.
"""
