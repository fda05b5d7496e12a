"""RunConfig: all that decides a run, as one YAML file. Light: no torch, so that a mistake is told at once.

extends: ../_defaults.yaml        # optional: only differences stand in the file itself
name: sefe
method: {method: reglora}
model: {name: llava-hf/llava-1.5-7b-hf, dtype: bfloat16}
data: {root: asd-data/coin, convert: {ratio: 0.2}, tasks: [scienceqa, textvqa]}
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from asd.plain_yaml import parse_yaml, read_yaml
from asd.resources import pipelines_dir
from asd_training.errors import SettingError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
_NAME_BYTES = 120
"""Of a task's name: a file system takes 255, and number, style and ending come on top."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class SeqLora(_Section):
    """Plain LoRA, one task after the other."""

    method: Literal["seq-lora"]
    between_tasks: Literal["merge", "keep", "stack"] = "merge"
    """merge: into the weights, then a fresh adapter; keep: the same adapter goes on; stack: frozen, beside a fresh
    one."""


class RegLora(_Section):
    """SEFE's: the new update is kept small where earlier ones were large. See `asd_training.methods.reg_lora`."""

    method: Literal["reglora"]
    between_tasks: Literal["merge", "stack"] = "merge"
    strength: float = Field(default=2.5e3, ge=0)
    fraction: float = Field(default=0.02, gt=0, le=1)
    duplicates: Literal["count", "union"] = "count"


class Joint(_Section):
    """All tasks at once: the ceiling."""

    method: Literal["joint"]


class ZeroShot(_Section):
    """The model as it is: no training."""

    method: Literal["zero-shot"]


class MoeLora(_Section):
    """CoIN's: experts share the rank of `train.lora`, mixed by a router. See `asd_training.methods.moe_lora`."""

    method: Literal["moelora"]
    experts: Count = 8
    top_k: Count | None = None
    """Experts that a token uses; null = all."""
    balance: float = Field(default=0.0, ge=0)
    """Weight of the loss that spreads tokens over experts; Switch Transformers uses 0.01."""
    float32_router: bool = False
    """Gates in float32 under autocast."""


class Ewc(_Section):
    """Elements that earlier tasks need are held back. See `asd_training.methods.ewc`."""

    method: Literal["ewc"]
    fisher: Literal["adapter", "merged"] = "adapter"
    """Of the elements of one adapter that goes on, or of the merged update."""
    strength: float = Field(default=100.0, ge=0)
    rows: Count = 200
    """Training rows per task that the Fisher information is from."""
    sample: str = "ewc-0"
    """Name of the sample that they are: another name, other rows."""
    decay: Share = 1.0
    """Factor of earlier tasks at each new one; 1 = the published sum."""


class OLora(_Section):
    """Every adapter orthogonal to all earlier ones. See `asd_training.methods.o_lora`."""

    method: Literal["o-lora"]
    strength: float = Field(default=0.5, ge=0)
    norm: Literal["squared", "absolute"] = "squared"
    """squared: the paper's; absolute: its released code's."""


class Replay(_Section):
    """Rows of earlier tasks are trained on again. See `asd_training.methods.replay`."""

    method: Literal["replay"]
    rows: Count = 100
    """Of every earlier task."""
    sample: str = "replay-0"
    """Name of the sample that they are: another name, other rows."""
    between_tasks: Literal["merge", "keep", "stack"] = "merge"
    """As for seq-lora."""


class ContinualLlava(_Section):
    """A pool of low-rank increments, chosen by the instruction. See `asd_training.methods.continual_llava`."""

    method: Literal["continual-llava"]
    slots: Count = 8
    """Increments that a task adds to the pool."""
    rank: Count = 8
    """Of an increment; `train.lora.r` and `alpha` are not used."""
    chosen: Count = 4
    """Increments that act on one row."""
    weights: Literal["ratio", "softmax"] = "ratio"
    """How similarities become weights."""
    targets: tuple[str, ...] = ("o_proj",)
    """Last names of the attention output projections."""
    encoder: str = "sentence-transformers/nli-roberta-base-v2"
    """Folder or hub name of a sentence encoder, module:function, or hashed-words. See
    `asd_training.instruction_encoders`."""
    key_lr: Positive = 1e-3
    key_epochs: Count = 3
    key_batch: Count = 128


MethodConfig = Annotated[
    SeqLora | RegLora | Joint | ZeroShot | MoeLora | Ewc | OLora | Replay | ContinualLlava,
    Field(discriminator="method"),
]


class ModelConfig(_Section):
    name: str
    """Folder or hub name of any `AutoModelForImageTextToText` or `AutoModelForCausalLM`, or a GGUF file (FOLDER/FILE.gguf)
    with weights of the latter, which are unpacked."""
    processor: str | None = None
    """Folder or hub name; null = that of the model."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the frozen weights; auto: float32 with `train.precision: float32`, else as saved, but bfloat16 in place of
    float16, which autocast does not mix with. Adapters and projector are float32 whatever it is."""
    prompt: Literal["auto", "chat", "plain"] = "auto"
    """chat: the processor's chat template; plain: `plain_format`; auto: chat where there is a template."""
    plain_format: str = "{prompt}\n"
    """What stands before the answer where prompts are plain."""
    image: Literal["processor", "padded_square"] = "processor"
    """padded_square: padded to a square first, as LLaVA-1.5, CoIN and SEFE do."""
    projector: str = "auto"
    """Path of the module between vision tower and language model; auto finds it."""
    attention: str | None = None
    """transformers' `attn_implementation`."""


class ConvertSettings(_Section):
    """How `asd` makes the training sets; test sets stay as they are."""

    ratio: Share = 0.2
    ratio_per_style: dict[str, float] | None = None
    styles: tuple[str, ...] | None = None
    seed: int = 0
    template_dir: str | None = None


class TaskEntry(_Section):
    """One task of the sequence. Either shards (`train`, `test`) or a source that `asd` converts."""

    task: str
    """Built-in task, or path of a task YAML."""
    train: str | None = None
    """Dataset directory, DIR or DIR@VERSION."""
    test: str | None = None
    """Dataset directory of the test questions; null = in `test_root`, or that of `train`."""
    source: str | None = None
    test_source: str | None = None
    """null = `source`."""
    image_root: str | None = None
    test_split: str | None = None
    """null = that of all tasks."""
    styles: tuple[str, ...] | None = None
    """Target styles; null = those of `data.convert`."""
    scorer: str | None = None
    """Scoring rule; null = that of the task."""
    batch: Count | None = None
    """Rows per device and micro-batch while this task is trained; null = `train.batch`. CoIN's scripts differ by task."""

    @property
    def name(self) -> str:
        return Path(self.task).stem if self.task.endswith((".yaml", ".yml")) else self.task


class PocketTasks(_Section):
    """The tasks of the pocket benchmark, drawn into a folder when first needed. See training/asd_training/pocket."""

    folder: str
    train: Count = 1920
    """Training questions per task."""
    test: Count = 100
    seed: int = 0


class DataConfig(_Section):
    root: str = "asd-data"
    """Folder of the datasets, one per task: read from there, or written there if `convert` is given."""
    convert: ConvertSettings | None = None
    """Convert each task with these settings first (nothing is done where the same version is there)."""
    pocket: PocketTasks | None = None
    """Where the tasks of the pocket benchmark come from; needs `convert`."""
    tasks: tuple[TaskEntry, ...] = Field(min_length=1)
    """In training order; a bare name is {task: name}."""
    test_root: str | None = None
    """Folder of the datasets of test questions, one per task, where they are apart from the training data."""
    train_split: str = "train"
    test_split: str = "test"
    image_root: str | None = None
    """Folder that image paths are relative to; null = that of the source, where it is known."""
    max_train: Count | None = None
    """Training rows (records, with `train.unit: record`) per task at most, chosen by hash: the same ones whatever the order."""
    max_test: Count | None = None

    @model_validator(mode="before")
    @classmethod
    def name_tasks(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and isinstance(given.get("tasks"), list | tuple):
            entries = [{"task": entry} if isinstance(entry, str) else entry for entry in given["tasks"]]
            return {**given, "tasks": entries}
        return given

    @model_validator(mode="after")
    def check_tasks(self) -> DataConfig:
        names = [entry.name for entry in self.tasks]
        for name in names:
            _require_folder_name(name)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the task {twice[0]!r} stands twice; a sequence trains each task once")
        for entry in self.tasks:
            if self.convert is None and entry.styles:
                raise ValueError(f"task {entry.name!r} has styles, but nothing is to be converted; set data.convert")
            if self.convert is None and (entry.source or entry.test_source):
                raise ValueError(f"task {entry.name!r} has a source, but nothing is to be converted; set data.convert")
            if self.convert is not None and (entry.train or entry.test):
                raise ValueError(f"task {entry.name!r} has shards and data.convert is set; give one of the two")
        return self


def _require_folder_name(name: str) -> None:
    """Of a task: its files lie in folders of that name. Raises: ValueError."""
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > _NAME_BYTES:
        raise ValueError(
            f"the task name {name[:20]!r}... has {size} bytes and is to name folders; give it {_NAME_BYTES} at most (of a "
            "task YAML it is the file's name)"
        )
    if not name or name.startswith(".") or any(mark in name for mark in "/\\\0"):
        raise ValueError(f"the task name {name!r} cannot name a folder; give one without slashes, and no dot in front")


class LoraSettings(_Section):
    r: Count = 128
    alpha: Positive = 256
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    """Linear layers of the language model: all, or those whose last name is listed (q_proj, ...)."""


class TrainConfig(_Section):
    lr: Positive = 2e-4
    projector_lr: Positive | None = 2e-5
    """null = the projector stays frozen."""
    epochs: Positive = 1.0
    steps: Count | None = None
    """Optimizer steps per task; replaces `epochs`."""
    batch: Count = 16
    """Rows per device and micro-batch; `unit` says what a row is."""
    accumulate: Count = 1
    """Micro-batches per optimizer step."""
    unit: Literal["turn", "record"] = "turn"
    """What one of these rows is. turn: each question by itself; record: all turns of one source record in one
    conversation, its images before the first question, every answer learnt, as released multi-turn training does."""
    warmup: Share = 0.03
    """Share of the steps over which the learning rate rises."""
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Annotated[float, Field(ge=0)] = 1.0
    """0 = no clipping."""
    lora: LoraSettings = LoraSettings()
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16: autocast in training and evaluation; float32: no half precision anywhere, weights neither."""
    shard: bool = False
    """Decoder layers and their adapters shared out over the processes (FSDP2). With one process: nothing to share."""
    gradient_checkpointing: bool = False
    max_length: Count = 2048
    """Tokens of prompt, image and answer."""
    overlong: Literal["error", "cut"] = "error"
    """What happens to an answer that would end beyond `max_length`."""
    log_steps: Count = 10
    checkpoint_s: Positive = 600.0
    """Seconds between checkpoints inside a task."""
    checkpoint_steps: Count | None = None
    """Optimizer steps between checkpoints; replaces `checkpoint_s`."""
    loader_workers: Annotated[int, Field(ge=0)] = 0
    cache_mb: Annotated[int, Field(ge=0)] = 1024
    """Memory for rows that are tokenised and whose images are preprocessed, per process."""
    report_to: tuple[str, ...] = ()
    """wandb, tensorboard, ... as `transformers.TrainingArguments` takes them."""


class VllmSettings(_Section):
    """How vLLM is run where `eval.engine` is vllm; its own arguments of these names. null = chosen for the model."""

    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the memory that vLLM takes; null = what is free, nine tenths at most."""
    tensor_parallel_size: Count = 1
    """GPUs that share one model."""
    max_model_len: Count | None = None
    """Tokens of question, image and answer; null = `train.max_length` and the answer, or all that the model takes."""
    max_num_seqs: Count | None = None
    """Answers written at the same time."""
    enforce_eager: bool = False
    """No CUDA graphs: a quicker start, slower answers."""


class EvalConfig(_Section):
    on: Literal["seen", "all"] = "seen"
    """Tasks evaluated after each task: those trained so far, or all."""
    engine: Literal["transformers", "vllm"] = "transformers"
    """What writes the answers. vllm: faster on GPUs; for methods whose adapters can be added to the weights."""
    vllm: VllmSettings = VllmSettings()
    batch: Count = 16
    """Answers written at the same time by transformers; vLLM makes batches of its own."""
    max_new_tokens: Count = 64
    constrained: bool = False
    """Also decode with only answers of the task's native style allowed."""
    cross_format: bool = False
    """Also ask the test questions in the five styles, after the last task."""


class RunConfig(_Section):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]*$", max_length=_NAME_BYTES)
    out: str | None = None
    """Run folder; null = runs/<name>."""
    published: str | None = None
    """Recipe of `asd` whose published results `asd-train compare` shows beside this run, e.g. coin/asd."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    method: MethodConfig
    model: ModelConfig
    data: DataConfig
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()

    def train_on(self, tasks: Sequence[str]) -> TrainConfig:
        """The settings under which a stage trains these tasks: a task of its own may have its own batch."""
        batch = next((entry.batch for entry in self.data.tasks if [entry.name] == list(tasks)), None)
        return self.train.model_copy(update={"batch": batch}) if batch else self.train

    @property
    def run_dir(self) -> Path:
        return Path(self.out or f"runs/{self.name}")

    @model_validator(mode="after")
    def check_precision(self) -> RunConfig:
        if self.train.precision == "float32" and self.model.dtype == "bfloat16":
            raise ValueError(
                "model.dtype is bfloat16, but train.precision is float32, which has no half precision anywhere; "
                "set train.precision: bfloat16, or model.dtype: float32"
            )
        return self


NOT_IDENTITY = {
    "out": "where, not what",
    "published": "what it is compared to",
    "eval.batch": "memory and speed; rounding aside, the answers are the same",
    "eval.engine": "rounding aside, the answers are the same; results.json says which engine wrote them",
    "eval.vllm": "memory and speed",
    "train.checkpoint_s": "a resumed run has the same numbers",
    "train.checkpoint_steps": "a resumed run has the same numbers",
    "train.gradient_checkpointing": "memory and speed",
    "train.shard": "where weights lie; rounding aside, the numbers are the same",
    "train.loader_workers": "speed only",
    "train.cache_mb": "speed only",
    "train.report_to": "who is told",
}
"""Settings that may differ when a run is resumed, each with its reason."""


def load_config(path: str | Path, changes: Iterable[str] = ()) -> RunConfig:
    """The configuration in a YAML file, or a built-in one ("pocket/sefe"), with changes of the form "train.lr=1e-3".

    Raises: SettingError that lists all problems at once.
    """
    builtin = pipelines_dir() / f"{path}.yaml"
    settings = read_settings(builtin if builtin.is_file() and not Path(path).is_file() else Path(path))
    for change in changes:
        settings = _with_method_section(settings)
        _apply(settings, change)
    return build_config(settings, str(path))


def build_config(settings: Mapping[str, Any], where: str = "configuration") -> RunConfig:
    """Raises: SettingError that lists all problems at once."""
    try:
        return RunConfig.model_validate(_with_method_section(settings))
    except ValidationError as exc:
        problems = exc.errors(include_url=False)
        lines = [f"  {_place(problem['loc'])}: {_told(problem)}" for problem in problems]
        count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        raise SettingError(f"{where} has {count}:\n" + "\n".join(lines)) from exc


def change_config(config: RunConfig, changes: Iterable[str], *, allowed: str) -> RunConfig:
    """With changes like those of `load_config`, all in the section `allowed`. Raises: SettingError."""
    settings = config.model_dump(mode="json")
    for change in changes:
        if not change.startswith(f"{allowed}."):
            raise SettingError(
                f"--set {change!r}: only settings of {allowed!r} can be changed here, e.g. {allowed}.batch=8"
            )
        _apply(settings, change)
    return build_config(settings)


def read_settings(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, laid over that of the file it `extends`. Raises: SettingError."""
    chain: list[dict[str, Any]] = []
    seen: set[Path] = set()
    step: Path | None = path
    while step is not None:
        if step.resolve() in seen:
            raise SettingError(f"{step} extends itself, by way of {len(seen)} file(s)")
        seen.add(step.resolve())
        settings = _read_yaml(step)
        base = settings.pop("extends", None)
        chain.append(settings)
        step = step.parent / str(base) if base is not None else None
    merged: dict[str, Any] = {}
    for settings in reversed(chain):
        merged = _overlay(merged, settings)
    return merged


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        settings = read_yaml(path)
    except OSError as exc:
        raise SettingError(f"{path} cannot be read ({exc.strerror}); {_whats_there(path)}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise SettingError(f"{path} is not valid YAML: {exc}") from exc
    if not isinstance(settings, dict):
        raise SettingError(f"{path} holds {type(settings).__name__}, expected a mapping of settings")
    return _with_method_section(settings)


def _with_method_section(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`method: ewc` is short for `method: {method: ewc}`."""
    method = settings.get("method")
    return {**settings, "method": {"method": method}} if isinstance(method, str) else dict(settings)


def _whats_there(path: Path) -> str:
    root = pipelines_dir()
    names = [file.relative_to(root).with_suffix("").as_posix() for file in root.rglob("*.yaml") if file.stem[0] != "_"]
    runs = sorted(name for name in names if "method" in read_settings(root / f"{name}.yaml"))
    name = "/".join(path.with_suffix("").parts[-2:])
    near = difflib.get_close_matches(name, runs, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return f"{guess}give the path of a run configuration, or one of {', '.join(runs)}"


def _overlay(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings are joined key by key, everything else is replaced; another method takes none of the old one's keys."""
    result = dict(below)
    if "method" in above and not isinstance(above["method"], dict) and above["method"] != below.get("method"):
        result = {}
    for key, value in above.items():
        old = result.get(key)
        joins = isinstance(old, dict) and isinstance(value, dict)
        result[key] = _overlay(old, value) if joins else value  # type: ignore[arg-type]
    return result


def _apply(settings: dict[str, Any], change: str) -> None:
    path, equals, text = change.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise SettingError(f"--set {change!r} is not of the form section.setting=value, e.g. train.lr=1e-4")
    at = settings
    for key in keys[:-1]:
        below = at.setdefault(key, {})
        if not isinstance(below, dict):
            raise SettingError(f"--set {change!r}: {key!r} holds {below!r}, which has no settings inside")
        at = below
    at[keys[-1]] = _value(text)


def _value(text: str) -> Any:
    """YAML, but 1e-4 is a number as everywhere else."""
    try:
        value = parse_yaml(text)
    except yaml.YAMLError:
        return text
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _method_sections() -> dict[str, type[BaseModel]]:
    kinds = get_args(get_args(MethodConfig)[0])
    return {get_args(kind.model_fields["method"].annotation)[0]: kind for kind in kinds}


def _place(location: tuple[int | str, ...]) -> str:
    tags = _method_sections()
    return ".".join(str(part) for part in location if part not in tags) or "settings"


def _settings_beside(location: tuple[int | str, ...]) -> list[str]:
    """The settings of the section that a place lies in; none where that is no plain section."""
    section: Any = RunConfig
    for part in location[:-1]:
        if part != "method":  # the name of the method stands next
            within = {name: field.annotation for name, field in section.model_fields.items()} | _method_sections()
            section = within.get(str(part))
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            return []
    return list(section.model_fields)


def _told(problem: Mapping[str, Any]) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "missing":
        return "is missing"
    if problem["type"] == "extra_forbidden":
        place = problem["loc"]
        near = difflib.get_close_matches(str(place[-1]), _settings_beside(place), n=1)
        return "no such setting" + (f"; did you mean {near[0]!r}?" if near else "")
    given = problem.get("input")
    return message if isinstance(given, Mapping | BaseModel) else f"{message}, got {given!r}"
