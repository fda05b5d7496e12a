"""Not a package to import: the folder of `asd_training`. Installed alone, no module named `training` shadows a user's."""

raise ImportError("this project's package `training` is called `asd_training` now: import it under that name")
