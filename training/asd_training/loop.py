"""The loop: for every stage prepare the model, train, learn from the finished adapter, evaluate, checkpoint.

`run` goes on where an earlier call with the same configuration stopped, at the same numbers: bit for bit on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from asd.schemas.styles import AnswerStyle
from asd_training.checkpoint import RunFolder
from asd_training.data import TaskData, load_tasks, require_images
from asd_training.disk import disk_full
from asd_training.errors import SettingError
from asd_training.evaluation import cross_format
from asd_training.evaluation.evaluate import Evaluator
from asd_training.evaluation.generate import stated_settings
from asd_training.evaluation.prediction_rows import read_predictions, write_predictions
from asd_training.evaluation.stage_scores import forgotten, lenient_reader, mean_scores
from asd_training.evaluation.vllm_engine import require_engine, require_model
from asd_training.inputs import RunInputs
from asd_training.learning import require_finite_state
from asd_training.memory import out_of_memory, peak_memory_bytes
from asd_training.methods.adapters import merging_error
from asd_training.methods.protocol import Stage
from asd_training.methods.registry import build_method, method_class
from asd_training.models import Projector, load_model, make_projector, merges_in_float32, require_gradients, trainable
from asd_training.preflight import Preflight, look_ahead
from asd_training.preflight_text import describe
from asd_training.processes import num_processes, shards_model, start_processes, wait_for_all, writes_files
from asd_training.progress import Progress, Voice
from asd_training.results import build_results
from asd_training.sharding import ShardedCopy, sharded_copy
from asd_training.stage_files import write_json
from asd_training.stage_rows import TrainingRows, replayed_rows
from asd_training.stage_training import require_reporters, stage_seed, train_stage
from asd_training.stopwatch import Stopwatch

if TYPE_CHECKING:
    from asd_training.config import RunConfig
    from asd_training.methods.protocol import ContinualMethod

Say = Callable[[str], None]


say_on_stderr = Voice()


def run(config: RunConfig, say: Say = say_on_stderr) -> dict[str, Any]:
    """Train and evaluate all stages; the results, as in results.json.

    Raises: TrainingError, AsdError. Whatever it raises, finished stages are kept, and calling it again goes on.
    """
    start_processes()
    folder = RunFolder(config.run_dir)
    with disk_full(str(folder.root)):
        return _run(config, folder, say)


def _run(config: RunConfig, folder: RunFolder, say: Say) -> dict[str, Any]:
    if writes_files():
        folder.claim(config)
    wait_for_all()
    try:
        tasks = load_tasks(
            config.data, folder.pinned_shards(), train=method_class(config.method).trains, unit=config.train.unit
        )
        require_images(tasks)
        wait_for_all()
        if writes_files():
            folder.record(config, tasks)
        return Loop(config, tasks, folder, say).run()
    finally:
        if writes_files():
            folder.close()


def check(config: RunConfig) -> Preflight:
    """What `run` would do with this configuration. Raises: TrainingError, AsdError where that cannot even be said."""
    start_processes()
    folder = RunFolder(config.run_dir)
    trains = method_class(config.method).trains
    tasks = load_tasks(config.data, folder.pinned_shards(), train=trains, unit=config.train.unit)
    require_images(tasks)
    loop = Loop(config, tasks, folder, lambda text: None)
    loop.inputs = RunInputs(config, tasks)
    return loop.look_ahead()


def plan_stages(tasks: Sequence[str], method: ContinualMethod, name: str) -> list[Stage]:
    """A stage per task, or one for all. The one stage of all fills the last row of the accuracy matrix."""
    if method.all_tasks_at_once:
        return [Stage(0, len(tasks) - 1, name, tuple(tasks))]
    return [Stage(number, number, task, (task,)) for number, task in enumerate(tasks)]


class Loop:
    def __init__(self, config: RunConfig, tasks: Sequence[TaskData], folder: RunFolder, say: Say) -> None:
        self.config, self.folder, self.say = config, folder, say
        self.tasks = {task.name: task for task in tasks}
        self.method = build_method(config.method, config.train.lora)
        self.stages = plan_stages(list(self.tasks), self.method, config.method.method)
        self.projector: Projector | None = None
        self.progress = Progress(say, {}, {})

    def run(self) -> dict[str, Any]:
        todo = [stage for stage in self.stages if not self.folder.stage(stage).is_done]
        if todo:
            require_engine(self.config)
            require_reporters(self.config.train.report_to)
            self.inputs = RunInputs(self.config, list(self.tasks.values()))
            self.evaluator = Evaluator(self.inputs)
            if self.method.trains:
                self._require_shardable()
                if self.shards:
                    self.say(f"decoder layers are shared out over {num_processes()} processes (FSDP2)")
            self._tell_what_comes(todo)
            model = self.restore(until=todo[0].number)
            self._check_engine(model)
            for stage in self.stages[todo[0].number :]:
                model = self._stage(model, stage)
        return self._write_results(self.stages)

    @property
    def shards(self) -> bool:
        return shards_model(self.config.train.shard)

    @property
    def _units(self) -> str:
        return "rows" if self.config.train.unit == "turn" else "records"

    def placed(self, model: nn.Module) -> nn.Module:
        """The model as it is asked questions: itself, or a sharded copy."""
        copies = self.shards and self.config.eval.engine == "transformers"
        return self._shared_out(model).model if copies else model

    def _shared_out(self, model: nn.Module) -> ShardedCopy:
        with out_of_memory("sharing out the model", "its size (model.name), or use more processes"):
            return sharded_copy(model, start_processes())

    def _require_shardable(self) -> None:
        if self.shards and not self.method.can_shard:
            raise SettingError(
                f"the method {self.config.method.method!r} needs whole parameters, but the model is to be shared out over "
                f"{num_processes()} processes; leave train.shard out (and FSDP, in accelerate's settings)"
            )

    def is_usable(self, stage: Stage) -> bool:
        """What the stage trained is whole (or nothing was to be trained)."""
        return self.folder.stage(stage).is_trained or not self.method.trains

    def look_ahead(self) -> Preflight:
        """What the run is going to do, and why it cannot, if it cannot; nothing is trained."""
        replayed = {stage.folder: len(self._replayed(stage)) for stage in self.stages}
        return look_ahead(self.config, list(self.tasks.values()), self.inputs, self.stages, replayed)

    def _tell_what_comes(self, todo: Sequence[Stage]) -> None:
        """Before time is spent on training. Raises: TaskDataError if rows cannot be trained on."""
        outlook = self.look_ahead()
        self.say(describe(outlook.facts))
        outlook.require_none()
        if writes_files():
            write_json(self.folder.preflight_file, outlook.facts)
        wait_for_all()
        plans = outlook.facts["stages"]
        untrained = [stage.folder for stage in todo if not self.is_usable(stage)]
        self.progress = Progress(
            self.say,
            {folder: plans[folder]["rows_seen"] for folder in untrained},
            {stage.folder: sum(len(task.test) for task in self._asked(stage)) for stage in todo},
        )

    def _asked(self, stage: Stage) -> list[TaskData]:
        """The tasks that are evaluated after a stage."""
        seen = {name for earlier in self.stages[: stage.number + 1] for name in earlier.tasks}
        return [task for task in self.tasks.values() if self.config.eval.on == "all" or task.name in seen]

    def _check_engine(self, model: nn.Module) -> None:
        """Before time is spent on training."""
        if self.config.eval.engine == "vllm" and self.method.trains and writes_files():
            self.say("asking vLLM whether it knows the model")
            require_model(model, self.inputs, self.folder.root)
        wait_for_all()

    def restore(self, until: int) -> nn.Module:
        """The model as it stood before stage number `until`: the base, and what every earlier stage left."""
        model = load_model(self.config.model, self.config.train.precision)
        if self.method.trains:
            self.projector = make_projector(model, self.config)
        device = start_processes()
        if not self.shards:
            model.to(device)
        for stage in self.stages[:until] if self.method.trains else ():
            model = self._load_stage(self.method.wrap(model, stage), stage)
            model = self.method.carry_over(model, stage)
        return model

    def _load_stage(self, model: nn.Module, stage: Stage) -> nn.Module:
        self.folder.load_stage(stage, self.method, model, self.projector)
        self.folder.load_method_state(stage, self.method)
        return model

    def _stage(self, model: nn.Module, stage: Stage) -> nn.Module:
        files = self.folder.stage(stage)
        facts: dict[str, Any] = {"steps": 0, "train_s": 0.0, "trainable_parameters": 0}
        if self.method.trains:
            torch.manual_seed(stage_seed(self.config.seed, stage))  # fresh adapters are random
            model = self.method.wrap(model, stage)
            if files.is_trained:
                self._load_stage(model, stage)
            else:
                self._train(model, stage)
            wait_for_all()
            facts = files.trained()
            model = self.method.carry_over(model, stage)
        if files.is_done:  # an earlier stage is evaluated again; this one only has to be on the way to the next
            return model
        watch = Stopwatch()
        placed = self.placed(model)
        with self.evaluator.engine(placed, self.folder.root):
            figures = self._evaluate(placed, stage)
        self.progress.evaluated(stage.folder)
        facts |= {"evaluate_s": watch.wall_s, "evaluate_processor_s": watch.processor_s}
        facts["engine"] = self.config.eval.engine
        facts["generation"] = stated_settings(model, self.inputs.tokenizer, self.evaluator.settings)
        if writes_files():
            files.mark_done({"stage": stage.folder, "tasks": list(stage.tasks), **figures, **facts})
            self._write_results(self.stages[: stage.number + 1])
        wait_for_all()
        return model

    def _train(self, model: nn.Module, stage: Stage) -> None:
        watch = Stopwatch()
        rows = TrainingRows([self.tasks[name] for name in stage.tasks], self.inputs)
        self.method.before_training(model, stage, rows)
        require_gradients(model, stage.tasks)
        count = sum(parameter.numel() for parameter in trainable(model).values())
        tasks = [self.tasks[name] for name in stage.tasks]
        replayed = self._replayed(stage)
        again = f" and {len(replayed):,} {self._units} of earlier tasks" if replayed else ""
        self.say(
            f"{stage.folder}: training {count:,} parameters on {sum(len(task.examples) for task in tasks):,} {self._units}{again}"
        )
        files = self.folder.stage(stage)
        self.progress.begin(files.last_step)
        sharded = self._shared_out(model) if self.shards else None
        trained = sharded.model if sharded else model
        plan, learnt = train_stage(
            trained, tasks, config=self.config, inputs=self.inputs, method=self.method, stage=stage,
            projector=self.projector, files=files, replayed=replayed, sharded=sharded, say=self.say,
            on_line=partial(self.progress.trained, stage.folder),
        )  # fmt: skip
        self.method.after_task(trained, stage)
        require_finite_state(self.method.state_dict(), stage.folder)
        if sharded:
            sharded.gather()
        if writes_files():
            facts = {
                "steps": plan.steps,
                "merging_error": self._merging_error(model, stage),
                "learnt": learnt,
                "train_s": watch.wall_s,
                "train_processor_s": watch.processor_s,
                "trainable_parameters": count,
                "peak_memory_bytes": peak_memory_bytes(),
            }
            self.folder.save_stage(stage, self.method, model, self.projector, facts)

    def _merging_error(self, model: nn.Module, stage: Stage) -> dict[str, float] | None:
        """Of methods whose adapters can be added to the weights; said where weights are half as wide as updates."""
        errors = merging_error(model) if self.method.can_merge else None
        if errors is not None and self.config.train.precision == "bfloat16":
            off = {kind: f"{100 * share:.2g} %" for kind, share in errors.items()}
            self.say(
                f"{stage.folder}: added to the weights in float32 its update is off by {off['float32']}, in bfloat16 it would "
                f"be by {off['bfloat16']}; " + self._how_it_is_kept()
            )
        return errors

    def _how_it_is_kept(self) -> str:
        merges = merges_in_float32(self.config, torch.bfloat16.itemsize)
        kept = "it is merged in float32, and so kept" if merges else "it stays beside the weights"
        return f"{kept}, but vLLM is given bfloat16" if self.config.eval.engine == "vllm" else kept

    def _replayed(self, stage: Stage) -> list[tuple[TaskData, int]]:
        earlier = [self.tasks[name] for before in self.stages[: stage.number] for name in before.tasks]
        return replayed_rows(earlier, self.method.replayed_rows, self.method.replay_sample)

    def _evaluate(self, model: nn.Module, stage: Stage) -> dict[str, Any]:
        """Scores by task, and for tasks of earlier stages what was forgotten since."""
        own = {name: earlier for earlier in self.stages[: stage.number + 1] for name in earlier.tasks}
        scores: dict[str, Any] = {}
        lost: dict[str, Any] = {}
        for task in self._asked(stage):
            name = task.name
            rows = self._predictions(model, stage, task)
            scores[name] = mean_scores(rows, lenient_reader(task))
            if name in own and own[name] != stage:
                before = read_predictions(self.folder.predictions(own[name], name))
                lost[name] = forgotten(before, rows, task)
            self.say(f"{stage.folder}: {name} {scores[name]['strict']:.4f} on {len(rows)} questions")
        figures = {"scores": scores, "forgetting": lost}
        if self.config.eval.cross_format and stage == self.stages[-1]:
            figures["cross_format"] = {
                name: self._cross_format(model, stage, task) for name, task in self.tasks.items()
            }
        return figures

    def _cross_format(self, model: nn.Module, stage: Stage, task: TaskData) -> dict[str, Any]:
        """The questions of one task in every style, each in a prediction file of its own."""
        by_style = {task.spec.native_style.value: self._predictions(model, stage, task)}
        for style in cross_format.styles_of(task):
            rows = cross_format.questions_in(style, task, self.config)
            if rows:
                by_style[style.value] = self._predictions(model, stage, task, rows)
        return cross_format.summary(by_style)

    def _predictions(
        self, model: nn.Module, stage: Stage, task: TaskData, rows: Sequence[dict[str, Any]] | None = None
    ) -> list[dict[str, Any]]:
        """rows: questions in another style; None = the task's own test questions. Made once, then read."""
        path = self.folder.predictions(stage, task.name, rows[0]["style"] if rows else None)
        if not path.is_file():
            self.progress.begin()
            self.evaluator.tell = partial(self.progress.answered, stage.folder, task.name)
            if rows is None:
                predictions = self.evaluator.native(model, task)
            else:
                rule = cross_format.RULES[AnswerStyle(rows[0]["style"])]
                predictions = self.evaluator.ask(model, task.name, rows, rule, task.test_image_root)
            if writes_files():
                write_predictions(path, predictions)
            wait_for_all()
        return read_predictions(path)

    def _write_results(self, stages: Sequence[Stage]) -> dict[str, Any]:
        results = build_results(self.config, list(self.tasks.values()), stages, self.folder, total=len(self.stages))
        if writes_files():
            write_json(self.folder.results_file, results)
        return results
