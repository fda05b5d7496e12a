"""Continual tuning of multimodal models on shards that `asd` wrote.

Needs the extra `train` (torch, transformers, peft). Importing this package imports none of them: they load
with the module that uses them.
"""
