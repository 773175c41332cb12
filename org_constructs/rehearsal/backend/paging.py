"""Pages: AWS answers at most 20 elements and a token for the next ones."""

from __future__ import annotations

import hashlib
import json

from .errors import invalid_input
from .state import Json

_LARGEST = 20
# The size of a page may change from one page to the next (inference), what is listed may not.
_OF_THE_PAGE = ("NextToken", "MaxResults")


def page(params: Json, key: str, items: list[Json], largest: int = _LARGEST) -> Json:
    """Return one page of `items` under `key`, with `NextToken` when there are more.

    Raises:
        ApiError: `InvalidInputException` for a token that no page of the same list gave.
    """
    size = params.get("MaxResults", largest)
    start = _start(params, key)
    answer: Json = {key: items[start : start + size]}
    if start + size < len(items):
        answer["NextToken"] = f"{_list(params, key)}.{start + size}"
    return answer


def _start(params: Json, key: str) -> int:
    token = params.get("NextToken")
    if token is None:
        return 0
    listed, _, start = str(token).partition(".")
    if listed != _list(params, key) or not start.isdecimal():
        # A token is one that an earlier call of the operation gave (model).
        raise invalid_input("You provided an invalid NextToken.", "INVALID_NEXT_TOKEN")
    # Beyond the end there is nothing: what was listed has become shorter meanwhile.
    return int(start)


def _list(params: Json, key: str) -> str:
    """Return what tells the list of a call from others."""
    of_the_list = {name: value for name, value in params.items() if name not in _OF_THE_PAGE}
    text = json.dumps([key, of_the_list], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
