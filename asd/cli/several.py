"""One command over the datasets of a folder, e.g. those that a recipe made."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from asd.errors import DataError
from asd.shards.locations import datasets_below


def over_datasets(directory: str, do_one: Callable[[str], Any], *, as_json: bool) -> None:
    """Do it for the dataset, or for each of a folder of several, under its name. `do_one` gets a location, prints its text
    unless --json was given, and returns its JSON document.

    What is wrong with one of several is told where it stands and raised when the others are done. Raises: as `do_one`.
    """
    locations = datasets_below(directory)
    documents, failed = [], []
    for number, location in enumerate(locations):
        if len(locations) > 1 and not as_json:
            print(f"{'' if number == 0 else chr(10)}{location}:", flush=True)
        try:
            documents.append(
                {"dataset": location, "found": do_one(location)} if len(locations) > 1 else do_one(location)
            )
        except DataError as exc:
            if len(locations) == 1:
                raise
            failed.append(exc)
            print(f"{location}: {exc}", file=sys.stderr)
    if as_json:
        print(
            json.dumps(documents if len(locations) > 1 else documents[0], indent=1, ensure_ascii=False, allow_nan=False)
        )
    if failed:
        raise type(failed[0])(
            f"{len(failed)} of {len(locations)} datasets of {directory} failed; the first: {failed[0]}"
        )
