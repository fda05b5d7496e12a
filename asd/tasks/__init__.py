"""The data sets that the pipeline knows, one YAML file each, and the table that finds them."""
