"""The one chain, as a pure function: every property for any organization and any dependencies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs._order import CycleError, OrderStage, Position, chain

IDS = st.sampled_from(["A", "B", "C", "D"])
STAGES = st.sampled_from(list(OrderStage))


@st.composite
def organizations(draw: st.DrawFn) -> dict[str, Position]:
    """Return positions of some resources, by name."""
    names = draw(st.lists(st.integers(0, 60).map(str), unique=True, min_size=1, max_size=12))
    return {
        name: Position(
            draw(STAGES), tuple(draw(st.lists(IDS, max_size=3))), name, draw(st.integers(0, 1))
        )
        for name in names
    }


@st.composite
def with_needs(
    draw: st.DrawFn, *, acyclic: bool = True
) -> tuple[dict[str, Position], dict[str, list[str]]]:
    """Return positions and what each needs first, without contradiction unless asked for."""
    positions = draw(organizations())
    names = draw(st.permutations(list(positions)))
    needs = {
        name: draw(
            st.lists(st.sampled_from(names[:index] if acyclic else names), unique=True, max_size=3)
            if index or not acyclic
            else st.just([])
        )
        for index, name in enumerate(names)
    }
    return positions, needs


@given(organizations())
def test_position_alone_decides(positions: dict[str, Position]) -> None:
    """Without dependencies the order is that of stage, ids, rank and name."""
    assert chain(positions, {}) == sorted(positions, key=lambda name: positions[name].key)


@given(with_needs())
def test_needs_are_met(case: tuple[dict[str, Position], dict[str, list[str]]]) -> None:
    """Every resource comes once, after all that it needs."""
    positions, needs = case
    order = chain(positions, needs)
    assert sorted(order) == sorted(positions)
    for name, others in needs.items():
        assert all(order.index(other) < order.index(name) for other in others)


@given(with_needs(), st.randoms())
def test_declaration_order_does_not_show(
    case: tuple[dict[str, Position], dict[str, list[str]]], random: object
) -> None:
    """The same resources in another order of declaration give the same chain."""
    positions, needs = case
    names = list(positions)
    random.shuffle(names)  # type: ignore[attr-defined]
    shuffled = {name: positions[name] for name in names}
    turned = {name: list(reversed(needs[name])) for name in reversed(list(needs))}
    assert chain(shuffled, turned) == chain(positions, needs)


@given(organizations(), STAGES, st.lists(IDS, max_size=3))
def test_a_new_resource_changes_one_link(
    positions: dict[str, Position], stage: OrderStage, path: list[str]
) -> None:
    """One more resource gives one other resource another predecessor, at most."""
    before = chain(positions, {})
    after = chain({**positions, "new": Position(stage, tuple(path), "new")}, {})
    assert [name for name in after if name != "new"] == before
    links = dict(zip(before[1:], before, strict=False))
    changed = [
        name
        for name, previous in zip(after[1:], after, strict=False)
        if name != "new" and links.get(name) != previous
    ]
    assert len(changed) <= 1


@given(organizations(), st.data())
def test_what_needs_a_later_one_is_delayed_until_just_after(
    positions: dict[str, Position], data: st.DataObject
) -> None:
    """One dependency moves one resource and no other."""
    order = chain(positions, {})
    earlier, later = sorted(
        data.draw(st.tuples(st.sampled_from(order), st.sampled_from(order))), key=order.index
    )
    if earlier == later:
        return
    expected = [name for name in order if name != earlier]
    expected.insert(expected.index(later) + 1, earlier)
    assert chain(positions, {earlier: [later]}) == expected


@given(with_needs(acyclic=False))
def test_fails_with_a_cycle_that_exists(
    case: tuple[dict[str, Position], dict[str, list[str]]],
) -> None:
    """Contradicting dependencies are refused with resources that need one another in a circle."""
    positions, needs = case
    try:
        chain(positions, needs)
    except CycleError as error:
        cycle = error.cycle
        assert len(cycle) > 1
        for name, needed in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            assert needed in needs[name]


def test_fails_for_two_that_need_each_other() -> None:
    """The smallest contradiction is refused."""
    positions = {
        name: Position(OrderStage.ACCOUNT, (name,), name) for name in ("one", "two", "three")
    }
    with pytest.raises(CycleError) as caught:
        chain(positions, {"one": ["two"], "two": ["one"]})
    assert set(caught.value.cycle) == {"one", "two"}


def test_what_needs_itself_or_a_stranger_is_not_delayed() -> None:
    """A dependency on itself, or on what is no part of the organization, orders nothing."""
    positions = {name: Position(OrderStage.ACCOUNT, (name,), name) for name in ("one", "two")}
    assert chain(positions, {"one": ["one", "stranger"]}) == ["one", "two"]


def test_stages() -> None:
    """Units, then policy types, then their policies, then accounts each with its own policies."""
    positions = {
        "unit/child": Position(OrderStage.ORGANIZATIONAL_UNIT, ("Z", "A"), "unit/child"),
        "unit": Position(OrderStage.ORGANIZATIONAL_UNIT, ("Z",), "unit"),
        "organization": Position(OrderStage.ORGANIZATION, ("Organization",), "organization"),
        "policy type": Position(OrderStage.SETTING, ("A",), "policy type"),
        "policy of unit": Position(OrderStage.CONTAINER_POLICY, ("Z",), "policy of unit"),
        "policy of a": Position(OrderStage.ACCOUNT, ("Accounts", "a"), "policy of a", rank=1),
        "b": Position(OrderStage.ACCOUNT, ("Accounts", "b"), "b"),
        "a": Position(OrderStage.ACCOUNT, ("Accounts", "a"), "a"),
        "policy of none": Position(OrderStage.UNTARGETED_POLICY, ("A",), "policy of none"),
        "invitation": Position(OrderStage.INVITATION, ("A",), "invitation"),
    }
    assert chain(positions, {}) == [
        "organization",
        "unit",
        "unit/child",
        "policy type",
        "policy of unit",
        "a",
        "policy of a",
        "b",
        "policy of none",
        "invitation",
    ]
