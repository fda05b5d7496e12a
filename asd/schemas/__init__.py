"""What a well-formed answer and a well-formed task are: Pydantic models only, no I/O beyond reading a YAML text."""
