"""Text of permissively licensed packages, from a pinned manifest to sharded token files.

The stages are modules of one noun each: manifest -> archives -> extract -> filters -> dedup ->
decontaminate -> split -> shards. Only the manifest is committed; text stays in the data folder.
"""
