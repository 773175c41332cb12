"""Accounts and OUs by what people call them: a path of names, or a name that is unique."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from .errors import OrgError

if TYPE_CHECKING:
    from .organization import DeclaredAccount, DeclaredUnit, OrganizationModel

Node = TypeVar("Node", "DeclaredAccount", "DeclaredUnit")

_SHOWN = 10


class Lookup:
    """The accounts and OUs of one model by name, built when first asked for."""

    def __init__(self, model: OrganizationModel) -> None:
        self._model = model
        self._paths: dict[str, str] = {}
        self._accounts: dict[str, list[DeclaredAccount]] | None = None
        self._units: dict[str, list[DeclaredUnit]] | None = None

    def name_path(self, key: str) -> str:
        """Return the names from below the root down to a node."""
        known = self._paths.get(key)
        if known is not None:
            return known
        names: list[str] = []
        for node in self._model.chain_of(key):
            found = self._model.below(node)
            if found is not None:
                names.append(found.name)
            elif not self._model.is_root(node):
                names.append(node)
        self._paths[key] = "/".join(names)
        return self._paths[key]

    def account(self, name: str) -> DeclaredAccount:
        """Return the account that a name means."""
        if self._accounts is None:
            self._accounts = self._index(self._model.accounts)
            renamed = self._model.display_names
            for account in self._model.accounts.values():
                if account.key in renamed and renamed[account.key] != account.name:
                    above = self.name_path(account.key).removesuffix(account.name)
                    for other in (renamed[account.key], f"{above}{renamed[account.key]}"):
                        _add(self._accounts, other, account)
        return self._only("account", name, self._accounts, self._model.accounts)

    def organizational_unit(self, name: str) -> DeclaredUnit:
        """Return the OU that a name means."""
        if self._units is None:
            self._units = self._index(self._model.organizational_units)
        return self._only(
            "organizational unit", name, self._units, self._model.organizational_units
        )

    def _index(self, nodes: Mapping[str, Node]) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in nodes.values():
            _add(found, node.name, node)
            _add(found, self.name_path(node.key), node)
        return found

    def _only(
        self, what: str, name: str, index: Mapping[str, list[Node]], nodes: Mapping[str, Node]
    ) -> Node:
        if name in nodes:
            return nodes[name]
        found = index.get(name, [])
        if len(found) > 1:
            # An OU may have the name of another and stand at the top; its path is that name.
            whole = [node for node in found if self.name_path(node.key) == name]
            found = whole if len(whole) == 1 else found
        if len(found) == 1:
            return found[0]
        by_path = [] if found else [node for node in nodes.values() if node.path == name]
        if len(by_path) == 1:
            return by_path[0]
        if found:
            paths = [self.name_path(node.key) for node in found]
            if len(set(paths)) < len(paths):
                paths = [node.path for node in found]
            raise OrgError(
                "ORG018",
                f"{what} '{name}' may be any of {_list(paths)}; give one of these paths",
            )
        raise OrgError("ORG017", f"{what} '{name}' is not declared; {self._remedy(name, nodes)}")

    def _remedy(self, name: str, nodes: Mapping[str, Node]) -> str:
        gone = [path for path in self._model.left_out if path.rpartition("/")[2] == name]
        if gone:
            condition = self._model.left_out[gone[0]]
            return f"the condition '{condition}' of its template leaves out '{gone[0]}'"
        paths = {self.name_path(node.key): node for node in nodes.values()}
        words = {path.lower(): path for path in paths}
        words |= {node.name.lower(): path for path, node in paths.items()}
        close = difflib.get_close_matches(name.lower(), words, n=3, cutoff=0.6)
        if close:
            return f"did you mean {_list(dict.fromkeys(words[word] for word in close))}"
        return f"known are {_list(sorted(paths))}" if paths else "none is"


def _add(index: dict[str, list[Node]], name: str, node: Node) -> None:
    known = index.setdefault(name, [])
    if node not in known:
        known.append(node)


def _list(names: object) -> str:
    shown = [f"'{name}'" for name in names]  # type: ignore[attr-defined]
    more = len(shown) - _SHOWN
    return ", ".join(shown[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
