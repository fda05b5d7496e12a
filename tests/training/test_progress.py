"""What is told while a run works."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from asd_training.config import build_config
from asd_training.errors import SettingError
from asd_training.loop import run
from asd_training.progress import Progress, Voice, time_left
from tests.training.run_settings import make_settings


class Clock:
    def __init__(self) -> None:
        self.time_s = 1000.0

    def __call__(self) -> float:
        return self.time_s


def line(loss: float = 1.25) -> dict[str, object]:
    return {"loss": loss, "loss_by_style": {"short_answer": 1.5, "yes_no": 1.0}, "lr": 2e-4}


def test_time_left_is_worked_out_per_task_and_over_all() -> None:
    """A hundred examples a stage take 50 s, a question half a second."""
    clock, said = Clock(), list[str]()
    progress = Progress(said.append, {"01-a": 100, "02-b": 100}, {"01-a": 10, "02-b": 20}, now=clock)
    progress.begin()
    clock.time_s += 10
    progress.trained("01-a", 2, 10, line())
    assert said == [
        "01-a: step 2 of 10, loss 1.25 (short_answer 1.5, yes_no 1), rate 0.0002, 40 s left, 2 min in all and what "
        "evaluation takes"
    ]
    clock.time_s += 5
    progress.trained("01-a", 3, 10, line())
    assert len(said) == 1, "half a minute between plain lines"
    clock.time_s += 35
    progress.trained("01-a", 10, 10, line())
    assert said[1].endswith("0 s left, 50 s in all and what evaluation takes")
    progress.begin()
    clock.time_s += 5
    progress.answered("01-a", "a", 10, 10)
    assert said[2] == "01-a: a, 10 of 10 questions answered, 0 s left"
    progress.evaluated("01-a")
    progress.begin(done=5)  # taken up again at step 5 of 10
    clock.time_s += 25
    progress.trained("02-b", 10, 10, {"loss": None, "penalty": 0.5, "lr": None})
    assert said[3] == "02-b: step 10 of 10, loss no answer (), penalty 0.5, 0 s left, 10 s in all"


def test_times() -> None:
    assert [time_left(seconds) for seconds in (3.2, 300, 7200)] == ["3 s", "5 min", "2.0 h"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_that_is_written_over() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress(Voice(lambda: stream), {"01-a": 100}, {"01-a": 10}, now=clock)
    progress.begin()
    for step in (1, 2, 10):
        clock.time_s += 1
        progress.trained("01-a", step, 10, line())
    shown = stream.getvalue()
    assert shown.count("\n") == 1 and shown.count("\r\x1b[K") == 2
    assert shown.rpartition("\x1b[K")[2].startswith("01-a: step 10 of 10")


def test_a_run_tells_its_steps_in_plain_lines(workshop: Path) -> None:
    said: list[str] = []
    given = make_settings(workshop, name="told", method={"method": "reglora"}, train={"steps": 4, "log_steps": 2})
    given["data"]["tasks"] = given["data"]["tasks"][:1]
    run(build_config(given), said.append)
    steps = [text for text in said if "step" in text and text.startswith("01-vqav2: step")]
    assert re.match(
        r"01-vqav2: step 2 of 4, loss [\d.]+ \(.*short_answer [\d.]+.*\), penalty 0, rate [\d.e-]+, \d+ s left",
        steps[0],
    )
    assert steps[-1].startswith("01-vqav2: step 4 of 4")
    assert any(re.match(r"01-vqav2: vqav2, \d of 6 questions answered", text) for text in said)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("weights-and-biases", "is no tracker that transformers knows; known: .*wandb"),
        ("kubeflow", "kubeflow is not installed"),
    ],
)
def test_a_tracker_that_is_not_there_is_told_before_any_work(workshop: Path, name: str, message: str) -> None:
    given = make_settings(workshop, name=f"tracker-{name}", train={"report_to": [name]})
    with pytest.raises(SettingError, match=message):
        run(build_config(given), lambda text: None)
