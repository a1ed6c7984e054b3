from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import names
from tests.names import OTHER_PEOPLE, SAME_PERSON, wide


@pytest.mark.parametrize("spellings", SAME_PERSON)
def test_width_case_and_spaces_make_no_other_person(spellings: tuple[str, ...]) -> None:
    assert len({names.person(name) for name in spellings}) == 1


@pytest.mark.parametrize(("one", "other"), OTHER_PEOPLE)
def test_any_other_difference_makes_another_person(one: str, other: str) -> None:
    assert names.person(one) != names.person(other)


def test_nobody_is_in_two_lines_of_the_table() -> None:
    for one, other in combinations(SAME_PERSON, 2):
        assert not {names.person(name) for name in one} & {names.person(name) for name in other}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_person_is_still_the_same_when_asked_again(name: str) -> None:
    assert names.person(names.person(name)) == names.person(name)


def test_a_name_is_shown_as_it_was_written_but_for_the_spaces_around_it() -> None:
    assert names.clean(f" {wide('Sato')}  Hanako ") == f"{wide('Sato')}  Hanako"
