"""The limits of a run: failures, tokens, money. They are kept, not only noticed: what is in flight counts in advance."""

from __future__ import annotations

from asd.rewrite.settings import RewriterSettings
from asd.rewrite.stats import RunStats


class Budget:
    """Tokens used are those of `stats`; reserved ones belong to requests in flight."""

    def __init__(self, settings: RewriterSettings, stats: RunStats) -> None:
        self._stats = stats
        self._max_failures = settings.max_failures
        self._max_tokens = settings.max_tokens_total
        self._max_cost = settings.max_cost
        self._prices = (settings.price_in or 0.0, settings.price_out or 0.0)
        self._reserved_in = self._reserved_out = 0
        self.failures = 0

    def reserve(self, prompt: int, reply: int) -> None:
        self._reserved_in += prompt
        self._reserved_out += reply

    def release(self, prompt: int, reply: int) -> None:
        self._reserved_in -= prompt
        self._reserved_out -= reply

    def shortage(self, prompt: int, reply: int) -> str | None:
        """The limit that a request of at most so many tokens could pass beside what is used and in flight."""
        tokens_in = self._stats.prompt_tokens + self._reserved_in + prompt
        tokens_out = self._stats.completion_tokens + self._reserved_out + reply
        if self._max_tokens is not None and tokens_in + tokens_out > self._max_tokens:
            return f"max_tokens_total {self._max_tokens:,}"
        if self._max_cost is not None and self._cost(tokens_in, tokens_out) > self._max_cost:
            return f"max_cost {self._max_cost:g}"
        return None

    def count_failure(self) -> bool:
        """False once there are more than allowed."""
        self.failures += 1
        return self._max_failures is None or self.failures <= self._max_failures

    def _cost(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * self._prices[0] + tokens_out * self._prices[1]) / 1e6

    def describe_failures(self) -> str:
        reasons = ", ".join(f"{count} {reason}" for reason, count in self._stats.retries.most_common())
        return (
            f"stopped after {self.failures} failed requests (max_failures {self._max_failures}): {reasons}. Every reply "
            "that came is in the cache; look at the server, or allow more with --max-failures, and run again"
        )

    def describe_spending(self, limit: str) -> str:
        used_in, used_out = self._stats.prompt_tokens, self._stats.completion_tokens
        cost = f", cost {self._cost(used_in, used_out):.4g}" if any(self._prices) else ""
        return (
            f"stopped at the budget, {limit}: used {used_in:,} prompt and {used_out:,} reply tokens{cost}, and the next "
            "request may need more than is left. Every reply that came is in the cache; raise the limit and run again"
        )
