"""Pages: AWS answers at most 20 elements and a token for the next ones."""

from __future__ import annotations

from .errors import invalid_input
from .state import Json

_LARGEST = 20


def page(params: Json, key: str, items: list[Json], largest: int = _LARGEST) -> Json:
    """Return one page of `items` under `key`, with `NextToken` when there are more.

    Raises:
        ApiError: `InvalidInputException` for a token that no page gave.
    """
    size = params.get("MaxResults", largest)
    token = params.get("NextToken")
    start = 0
    if token is not None:
        if not isinstance(token, str) or not token.isdigit() or int(token) > len(items):
            raise invalid_input("You provided an invalid NextToken.", "INVALID_NEXT_TOKEN")
        start = int(token)
    answer: Json = {key: items[start : start + size]}
    if start + size < len(items):
        answer["NextToken"] = str(start + size)
    return answer
