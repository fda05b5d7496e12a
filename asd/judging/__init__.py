"""A language model as judge of open answers (CoIN's general knowledge / reasoning measure), by the rewriter's client."""
