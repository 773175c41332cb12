"""The lines of user code that findings name."""

from __future__ import annotations

from pathlib import Path

import pytest

from org_constructs._source import SourceLocation, _is_users, caller, raised_at


def test_caller_is_the_users_line() -> None:
    """The innermost line outside the library and CDK is found, in a folder of any name."""
    found = caller()
    assert found is not None
    assert found.file == __file__
    assert "constructs" in Path(__file__).parts


def test_shown_relative_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file below the current folder is shown without it, another one whole."""
    monkeypatch.chdir(tmp_path)
    assert str(SourceLocation(str(tmp_path / "app/main.py"), 7)) == "app/main.py:7"
    assert str(SourceLocation("/elsewhere/main.py", 7)) == "/elsewhere/main.py:7"


@pytest.mark.parametrize("name", ["aws_cdk", "constructs", "jsii", "org_constructs"])
def test_libraries_are_not_the_user(name: str) -> None:
    """Lines of CDK and of this library are skipped; a user's folder of the same name is not."""
    from importlib.util import find_spec

    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert not _is_users(spec.origin)
    assert _is_users(f"/home/me/app/{name}/stack.py")
    assert _is_users(f"{Path(spec.origin).parent}_of_mine/stack.py")
    assert not _is_users("<string>")


def test_raised_at_is_the_users_innermost_line() -> None:
    """Of a traceback through the library the user's last line is named."""
    from org_constructs.model.identifiers import check_account_id

    with pytest.raises(ValueError, match="is not an account id") as caught:
        check_account_id("x")
    found = raised_at(caught.value.__traceback__)
    assert found is not None
    assert found.file == __file__
    assert raised_at(None) is None
