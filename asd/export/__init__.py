"""Shards as the files that trainers read: one module a format, all behind `asd.export.format.Format`."""
