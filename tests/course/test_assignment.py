"""The duties of a course, for 2 to 30 groups and 1 to 20 weeks: each rule of docs/guide/course.md as a property."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, permutations

from hypothesis import given
from hypothesis import strategies as st

from repro.course import assignment

GROUPS = st.integers(2, 30).map(lambda many: [f"group{number}" for number in range(many)])
WEEKS = st.integers(1, 20)


@given(GROUPS, WEEKS)
def test_everybody_reviews_one_other_group_and_is_reviewed_by_one(groups: list[str], week: int) -> None:
    found = assignment.reviews(groups, week)
    assert list(found) == groups and sorted(found.values()) == sorted(groups)
    assert all(one != other for one, other in found.items())


@given(GROUPS, WEEKS)
def test_no_pair_meets_in_two_weeks_before_all_pairs_have_met(groups: list[str], weeks: int) -> None:
    pairs = {frozenset(pair) for pair in combinations(groups, 2)}
    met: set[frozenset[str]] = set()
    for week in range(1, weeks + 1):
        now = {frozenset(pair) for pair in assignment.reviews(groups, week).items()}
        assert not now & met or met == pairs, week
        met |= now


@given(GROUPS, WEEKS)
def test_nobody_reviews_a_group_again_before_all_others(groups: list[str], weeks: int) -> None:
    counts = Counter(dict.fromkeys(permutations(groups, 2), 0))
    for week in range(1, weeks + 1):
        counts.update(assignment.reviews(groups, week).items())
        by_reviewer = [[counts[one, other] for other in groups if other != one] for one in groups]
        assert all(max(row) - min(row) <= 1 for row in by_reviewer), week


@given(GROUPS, WEEKS)
def test_two_groups_present_and_others_take_notes(groups: list[str], week: int) -> None:
    talks = assignment.talks(groups, week)
    assert [talk.what for talk in talks] == ["paper", "code"]
    assert talks[0].group != talks[1].group and all(talk.scribe != talk.group for talk in talks)
    duties = [name for talk in talks for name in (talk.group, talk.scribe)]
    assert len(set(duties)) == min(4, len(groups))


@given(GROUPS, WEEKS)
def test_the_groups_take_turns_in_each_duty(groups: list[str], weeks: int) -> None:
    talks = [talk for week in range(1, weeks + 1) for talk in assignment.talks(groups, week)]
    duties = (
        [talk.group for talk in talks],
        [talk.group for talk in talks if talk.what == "paper"],
        [talk.group for talk in talks if talk.what == "code"],
        [talk.scribe for talk in talks],
    )
    for done in duties:
        counts = [done.count(name) for name in groups]
        assert max(counts) - min(counts) <= 1


@given(GROUPS, WEEKS, st.data())
def test_an_exchange_moves_the_two_groups_and_nobody_else(groups: list[str], week: int, data: st.DataObject) -> None:
    before = assignment.talks(groups, week)
    wanted = dict(zip(assignment.WHAT, data.draw(st.permutations(groups)), strict=False))
    after = assignment.exchanged(before, wanted)
    assert {talk.what: talk.group for talk in after} == wanted
    assert all(talk.scribe != talk.group for talk in after)
    moved = {talk.group for talk in before} | set(wanted.values())
    for old, new in zip(before, after, strict=True):
        assert new.scribe == old.scribe or {new.scribe, old.scribe} <= moved
    assert assignment.exchanged(before, {}) == before
