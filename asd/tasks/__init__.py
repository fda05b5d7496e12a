"""The data sets that the pipeline knows, one YAML file each, and the table that finds them."""

from asd.tasks.registry import builtin_tasks, load_task, rfps_for

__all__ = ["builtin_tasks", "load_task", "rfps_for"]
