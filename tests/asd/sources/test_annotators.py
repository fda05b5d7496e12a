"""The vote: majority, ties, refusals."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from asd.sources.annotators import is_refusal, normalise_answer, vote


def answers(*given: str | tuple[str, str]) -> list[dict[str, str]]:
    """Annotators' answers; a pair gives the confidence."""
    pairs = [(item, "yes") if isinstance(item, str) else item for item in given]
    return [{"answer": answer, "answer_confidence": sure} for answer, sure in pairs]


def test_majority_wins_over_the_first_answer():
    assert vote(answers("brunch", "tea", "tea")) == ("tea", ("tea", "brunch"))


def test_spellings_of_one_answer_are_counted_together():
    found = vote(answers("Coke", "pepsi", "coke.", "  coke ", "pepsi"))
    assert found.gold == "Coke"  # three votes; every spelling once, so the earliest
    assert found.accepted == ("Coke", "pepsi")


def test_most_frequent_spelling_is_kept():
    assert vote(["USA", "usa", "usa"]).gold == "usa"


def test_tie_prefers_an_answer_to_a_refusal():
    assert vote(answers("unanswerable", "unanswerable", "soup", "soup")).gold == "soup"


def test_refusal_with_most_votes_is_gold():
    found = vote(answers("unanswerable", "unanswerable", "soup"))
    assert found == ("unanswerable", ("unanswerable", "soup"))


def test_tie_goes_to_the_surer_answer_then_to_the_first():
    assert vote(answers(("red", "maybe"), ("blue", "yes"))).gold == "blue"
    assert vote(answers("red", "blue")).gold == "red"


def test_empty_answers_do_not_vote():
    assert vote(answers("", " ", "cup")) == ("cup", ("cup",))
    assert vote([]) == vote(None) == vote(["", ""]) == vote([None]) == ("", ())


def test_plain_texts_vote_too():
    assert vote(["a", "b", "b"]) == ("b", ("b", "a"))


def test_refusals():
    assert is_refusal("Unanswerable.")
    assert is_refusal("answering does not require reading text in the image")
    assert not is_refusal("nothing")


@given(st.lists(st.sampled_from(["a", "A", "b", "b.", "unanswerable", "", "c d"]), max_size=10))
def test_gold_has_most_votes_and_accepted_has_every_answer_once(given_answers):
    found = vote(given_answers)
    keys = [normalise_answer(a) for a in given_answers if a]
    assert [normalise_answer(a) for a in found.accepted] == list(dict.fromkeys(map(normalise_answer, found.accepted)))
    assert {normalise_answer(a) for a in found.accepted} == set(keys)
    if keys:
        assert keys.count(normalise_answer(found.gold)) == max(map(keys.count, keys))
