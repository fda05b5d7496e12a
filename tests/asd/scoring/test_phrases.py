"""Class names, exact matches, containment: each released rule with its defects, beside the repaired one."""

from __future__ import annotations

import pytest

from asd.errors import ScoreError
from asd.scoring import score


def both(rule: str, prediction: str, gold: str, **more: object) -> tuple[float, float]:
    return score(f"{rule}:legacy", prediction, gold, **more), score(f"{rule}:fixed", prediction, gold, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [
        ("Teapot.", "Teapot", (1, 1)),
        ("teapot", "Teapot", (0, 1)),  # case counts
        ("dog", "Bernese mountain dog", (1, 0)),  # a superclass is right where its case fits ...
        ("Dog", "Bernese mountain dog", (0, 0)),  # ... and wrong where it does not
        ("", "Teapot", (1, 0)),  # nothing at all is right
        ("a", "Teapot", (1, 0)),
        ("door mat", "Doormat", (0, 1)),
        ("Carpenters kit", "Carpenter's kit", (0, 1)),
        ("Crane", "Crane2", (1, 1)),
        ("A teapot on a table", "teapot", (1, 1)),
        ("A table with a teapot", "teapot", (1, 0)),
        ("eapot.", "Teapot", (0, 0)),  # an output that lost its first letter
        ("[0.0,0.1,1.0,0.9]", "Teapot", (0, 0)),
    ],
)
def test_label(prediction: str, gold: str, expected: tuple[float, float]) -> None:
    assert both("label", prediction, gold) == expected


def test_imagenet_r_as_released_wants_the_label_and_nothing_else() -> None:
    assert both("label_exact", "great white shark", "Great white shark") == (1.0, 1.0)
    assert both("label_exact", "Great white shark.", "great white shark") == (0.0, 1.0)
    assert both("label_exact", "shark", "great white shark") == (0.0, 0.0)


def test_label_takes_any_of_several_labels() -> None:
    assert score("label", "kettle", "teapot", ["Kettle"]) == 1.0


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [
        ("No.", "no", (1, 1)),
        (" yes...", "yes", (0, 1)),  # a leading blank counts
        ("the table", "table", (0, 1)),
        ("two", "2", (0, 1)),
        ("Table", "Table", (0, 1)),  # only the prediction is lower-cased
        ("", "no", (0, 0)),
    ],
)
def test_gqa(prediction: str, gold: str, expected: tuple[float, float]) -> None:
    assert both("gqa", prediction, gold) == expected


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [
        ("The Shining", "the shining", (1, 1)),
        ("The Shining.", "the shining", (0, 1)),
        ("The  Shining", "the shining", (0, 1)),
        ("Unanswerable", "Unanswerable", (0, 1)),  # a refusal is wrong even where it is the gold answer
        ("Shining", "the shining", (0, 0)),  # titles keep their articles
    ],
)
def test_ocrvqa(prediction: str, gold: str, expected: tuple[float, float]) -> None:
    assert both("ocrvqa", prediction, gold) == expected


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [
        ("Y e s.", "yes", (1, 1)),  # all blanks and full stops are dropped, wherever they stand
        (" yes. ", "yes", (1, 1)),
        ("B.", "B", (1, 1)),
        ("B. up", "B", (0, 1)),
        ("Yes, it rose.", "yes", (0, 1)),
        ("red door", "red door", (0, 1)),  # ... from the answer alone
        ("Unanswerable", "yes", (0, 0)),
        ("no", "yes", (0, 0)),
    ],
)
def test_finance(prediction: str, gold: str, expected: tuple[float, float]) -> None:
    assert both("dcl_fin", prediction, gold) == expected


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [
        ("female: yes", "female", (0, 1)),  # a word before a colon is not found
        ("moving", "Moving.", (1, 1)),
        ("housekeeping staff", "keep", (0, 0)),
        ("housekeeping", "keep", (1, 0)),  # without a blank in the response, letter by letter
        ("it is keep.", "keep", (1, 1)),
        ("a keep, perhaps", "keep", (1, 1)),
        ("upkeep of it", "keep", (1, 0)),
        ("an urban area", "urban area", (1, 1)),
        ("suburban areas", "urban area", (1, 0)),  # several words, letter by letter
        ("There are 12 planes", "1", (1, 0)),  # " 1" stands in it
        ("Unanswerable moving", "moving", (0, 1)),
    ],
)
def test_remote_sensing_and_driving(prediction: str, gold: str, expected: tuple[float, float]) -> None:
    assert both("dcl_rs", prediction, gold) == expected


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [("Seven", "seven", (1, 1)), ("7", "seven", (0, 1)), ("7.", "7", (0, 1)), ("+", "-", (0, 0)), ("", "7", (0, 0))],
)
def test_exact_match(prediction: str, gold: str, expected: tuple[float, float]) -> None:
    assert both("exact_match", prediction, gold) == expected


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [
        ("There are 12 planes.", "1", (1, 0)),
        ("There are 12 planes.", "12", (1, 1)),
        ("unknown", "no", (1, 0)),
        ("No, it is not.", "no", (1, 1)),
        ("It is not.", "no", (1, 1)),  # a statement that denies is a no
        ("Unanswerable: urban", "urban", (0, 1)),
        ("An urban area", "urban area", (1, 1)),
        ("rural", "urban", (0, 0)),
    ],
)
def test_contains(prediction: str, gold: str, expected: tuple[float, float]) -> None:
    assert both("contains", prediction, gold) == expected


def test_dcl_science_by_the_name_of_the_image() -> None:
    assert both("dcl_sci", "b", "B", image="x/AI2D_1.png", options=["moon", "sun"]) == (1.0, 1.0)
    assert both("dcl_sci", "B. sun", "B", image="x/TQA_1.png", options=["moon", "sun"]) == (0.0, 1.0)
    assert both("dcl_sci", "It is Texas", "Texas", image="x/MapQA_1.png") == (1.0, 1.0)
    asked = {"image": "x/MapQA_2.png", "prompt": "Which states border it?"}
    assert both("dcl_sci", "Utah,Ohio", "Utah,Iowa", **asked) == (0.5, 0.5)
    assert both("dcl_sci", "Utah, Iowa", "Utah,Iowa", **asked) == (0.5, 1.0)  # a blank after the comma costs a state
    assert both("dcl_sci", "Utah,Iowa,Ohio,Texas", "Utah,Iowa", **asked) == (1.0, 0.5)  # naming all is no answer
    assert both("dcl_sci", "Unanswerable", "Texas", image="x/MapQA_1.png") == (0.0, 0.0)


def test_dcl_science_as_released_needs_the_image() -> None:
    with pytest.raises(ScoreError, match="looks at the image's file name, and there is no image"):
        score("dcl_sci:legacy", "B", "B")


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [
        ("Yes", "yes", (1, 1)),
        ("[0.1,0.2,0.3,0.4]", "yes", (1, 0)),  # anything without a no is a yes
        ("There is not", "no", (1, 1)),
        ("I do not know", "no", (1, 0)),
        ("No, there is none.", "no", (1, 1)),
        ("Nothing", "no", (0, 0)),
    ],
)
def test_yes_no(prediction: str, gold: str, expected: tuple[float, float]) -> None:
    assert both("yes_no", prediction, gold) == expected


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [
        ("This shows necrosis of the liver.", "necrosis", (1, 1)),
        ("abnormal tissue", "normal", (1, 0)),  # letter by letter
        ("Unknown", "no", (1, 0)),
        ("No, it is benign.", "no", (1, 1)),
        ("yes and no", "no", (1, 0)),
        ("There is no necrosis.", "necrosis", (1, 0)),  # denied
        ("No sign of necrosis, but inflammation.", "inflammation", (1, 1)),
        ("Not the liver. The spleen.", "spleen", (1, 1)),
        ("Without necrosis; later necrosis", "necrosis", (1, 1)),
        ("There is no necrosis", "no necrosis", (1, 1)),  # the gold answer itself denies it
        ("left, upper lobe", "left, upper lobe", (1, 1)),
        ("Unanswerable necrosis", "necrosis", (0, 1)),
        ("the non-small-cell carcinoma", "non-small cell carcinoma", (0, 1)),
        ("", "necrosis", (0, 0)),
    ],
)
def test_medicine_by_containment(prediction: str, gold: str, expected: tuple[float, float]) -> None:
    assert both("dcl_med", prediction, gold) == expected
