"""Plain aligned tables for standard output: readable in a terminal, a log and a README alike."""

from __future__ import annotations


class Table:
    """First column left-aligned, the others right-aligned."""

    def __init__(self, header: list[str]) -> None:
        self._rows = [header]

    def add(self, *cells: str) -> None:
        self._rows.append(list(cells))

    def lines(self) -> list[str]:
        widths = [max(len(row[i]) for row in self._rows) for i in range(len(self._rows[0]))]
        lines = []
        for number, row in enumerate(self._rows):
            cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]
            lines.append("  ".join(cells).rstrip())
            if number == 0:
                lines.append("  ".join("-" * width for width in widths))
        return lines
