"""What a checkout answers to `import training`, the name under which `asd_training` was imported once. Not installed."""

raise ImportError("this project's package `training` is called `asd_training` now: import it under that name")
