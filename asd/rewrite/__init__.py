"""The optional LLM rewriter: prompts, replies and their checks, and the way to a server. Its text is untrusted input."""
