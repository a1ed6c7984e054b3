import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import names as of_the_core
from front import names
from tests.names import OTHER_PEOPLE, SAME_PERSON


@pytest.mark.parametrize("spellings", SAME_PERSON)
def test_width_case_and_spaces_make_no_other_person(spellings: tuple[str, ...]) -> None:
    assert all(names.same(spellings[0], name) for name in spellings)


@pytest.mark.parametrize(("one", "other"), OTHER_PEOPLE)
def test_any_other_difference_makes_another_person(one: str, other: str) -> None:
    assert not names.same(one, other)


@given(st.text())
def test_the_front_and_the_core_agree_about_every_name(name: str) -> None:
    assert names.person(name) == of_the_core.person(name)
