"""The answer styles, one file each, and the table of them (`table.py`), from which everything about a style follows."""
