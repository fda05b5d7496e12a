"""Phrases about the task or the writer, and ordinary sentences that come close to them."""

from __future__ import annotations

import pytest

from asd.rewrite.self_talk import find_region_talk, find_self_talk

TALK = """
The provided answer is red because the bus looks that way.
This matches the given answer of a red bus.
The ground truth says that it is a dog.
The annotators agreed that the sign reads stop.
The accepted answers include two and 2.
The OCR tokens hold the word Coca, so it is the brand.
According to the JSON data, the colour is red.
It is red, as the data clearly states.
It is red, because the question states that it is red.
There are 12 buses, because the data provided in the question names them.
It is red, as the given data has it.
The question is about a bus, and the answer is red.
It is red, which the answer confirms.
As an AI, I think that it is red.
As a large language model I cannot say.
I'm just a language model, but it is red.
I'm sorry, but I can't help with that.
I cannot see the image, but it may be red.
I can't view the picture you mention.
I’m unable to say what is shown.
Without seeing the image, red is the likely colour.
It is not possible to see the image here.
No image was provided, so red is a guess.
The image is not provided, so this rests on the question.
The image was not attached to the request.
Based on the text provided, it is red.
Based solely on the question alone, it would be red.
Sure! The bus is red because of its paint.
Certainly, here it is: the bus is red.
Here is a brief explanation: the bus is red.
Explanation: the bus is red.
This explanation has about 20 words.
As requested, the bus is red.
I hope this helps you to see that it is red.
Feel free to ask for more about the bus.
The answer provided is red, which fits.
The label given is a poodle.
I am an AI assistant and say that it is red.
""".strip().splitlines()
PLAIN = """
The image shows a red bus beside the kerb.
In the picture, a man holds a racket.
It is given that the sum of the angles is 180 degrees.
The sign provides directions to the station.
Food is provided by the farmer, so the cows come near.
The answer is red, since the bus has that paint.
The man cannot see the ball because the sun blinds him.
She looks at the picture on the wall.
He is not able to see over the fence.
The assistant hands the tools to the mechanic.
The model wears a long dress on the runway.
Here the road bends to the left, so the car slows down.
A text message is shown on the screen of the phone.
The image of the moon is reflected in the water.
Photographs of the family are available in the shop.
The correct spelling stands on the label of the bottle.
A language teacher writes a sentence on the board.
The dog is sorry to see its owner leave.
""".strip().splitlines()


@pytest.mark.parametrize("text", TALK)
def test_talk_about_the_task_or_the_writer_is_found(text: str) -> None:
    assert find_self_talk(text)


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_sentences_are_let_through(text: str) -> None:
    assert find_self_talk(text) == ""


def test_talk_about_boxes() -> None:
    assert find_region_talk("The bounding box holds a dog.") and find_region_talk("At [0.1, 0.2] a dog sits.")
    assert not find_region_talk("A cardboard box stands beside the 2 dogs.")
