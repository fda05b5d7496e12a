"""Why a record is no sample."""

from __future__ import annotations


class BadRecordError(Exception):
    """Carries the reason and the detail of a Reject."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail
