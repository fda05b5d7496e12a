"""Continual-learning methods, one file each; what several of them need is in `asd_training.layers`."""
