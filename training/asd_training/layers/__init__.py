"""Tensor functions on adapted layers: no trainer, no files, no names of models."""
