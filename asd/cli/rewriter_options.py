"""The options about the rewriter that several commands share, and the settings they make."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asd.cli.help import ASKED_MODEL
from asd.errors import UsageError, problem_of_setting

if TYPE_CHECKING:
    from asd.rewrite.settings import RewriterSettings

OFF = "off"
_TABLE: dict[str, tuple[str, Any, str]] = {
    "rewriter": (
        "kind",
        str,
        "Language model that writes what rules cannot: vllm, llama-cpp, openai, vllm-offline, cache or off.",
    ),
    "model": ("model", str, "Its name at the server, or the folder or GGUF file that holds it."),
    "revision": ("revision", str, "Its commit, date or quantisation; part of the version."),
    "base_url": ("base_urls", list[str], "OpenAI-compatible server, e.g. http://host:8000/v1; repeat for several."),
    "api_key_env": ("api_key_env", str, "Environment variable that holds the API key."),
    "api_key_file": ("api_key_file", str, "File that holds the API key."),
    "rewriter_styles": ("styles", str, "Styles that it may write, comma-separated. [default: all it can]"),
    "maker": ("maker", str, "Whose words they are: rewriter, or self for the model to be tuned. [default: rewriter]"),
    "images": ("images", str, "Send images: auto, never or always. [default: auto]"),
    "image_max_side": ("image_max_side", int, "Larger images are scaled down to this many pixels. [default: 1024]"),
    "judge": ("judge", str, "Second opinion on each reply: off, count or reject. [default: off]"),
    "attempts": ("attempts", int, "Requests per sample and style, where checks fail. [default: 3]"),
    "group_by_image": ("group_by_image", int, "Questions of one image per request. [default: 1]"),
    "temperature": ("sampling.temperature", float, "Randomness of its choice of words. [default: 0]"),
    "max_reply_tokens": ("sampling.max_tokens", int, "Tokens of one reply at most. [default: 512]"),
    "request_timeout": ("timeout_s", float, "Seconds before a request is tried again. [default: 120]"),
    "max_outage": ("outage_s", float, "Seconds to wait while no server answers. [default: 600]"),
    "max_in_flight": ("max_in_flight", int, "Requests at once at most. [default: 256]"),
    "max_failures": ("max_failures", int, "Stop after so many failed requests. [default: 1000]"),
    "max_tokens_total": ("max_tokens_total", int, "Stop before the run uses more tokens than this."),
    "max_cost": ("max_cost", float, "Stop before the run costs more than this; needs both prices."),
    "price_in": ("price_in", float, "Price of 10^6 prompt tokens."),
    "price_out": ("price_out", float, "Price of 10^6 reply tokens."),
    "rewrite_cache": ("cache", str, "File of the request cache. [default: in the user's cache folder]"),
    "server_arg": ("server_args", list[str], "How vLLM or llama.cpp is run, NAME=VALUE; repeat for several."),
}
"""Option -> setting, type, help."""
_OPTION_OF = {field.split(".")[-1]: f"--{name.replace('_', '-')}" for name, (field, _, _) in _TABLE.items()}


_CONNECTION = (
    "rewriter model revision base_url api_key_env api_key_file max_reply_tokens request_timeout max_outage max_in_flight "
    "max_failures max_tokens_total max_cost price_in price_out rewrite_cache server_arg"
).split()
"""Which model, where, and what it may cost; not what it writes."""


def takes_connection_options(command: Callable[..., None]) -> Callable[..., None]:
    """`takes_rewriter_options` with those alone that say which model and where."""
    return takes_rewriter_options(command, _CONNECTION)


def takes_rewriter_options(
    command: Callable[..., None], names: Collection[str] = tuple(_TABLE), panel: str = ASKED_MODEL
) -> Callable[..., None]:
    """Give `command` the options; it gets them as one argument, `rewriter`: settings by name, nested as in a recipe.

    panel: heading of the options in the command's help.
    """
    own = inspect.signature(command, eval_str=True).parameters.values()
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(name, panel))
        for name in names
    ]
    parameters = [
        option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in own if option.name != "rewriter"
    ] + shared

    @functools.wraps(command)
    def with_settings(**given: Any) -> None:
        options = {name: given.pop(name) for name in names}
        command(**given, rewriter=settings_of(options))

    del with_settings.__wrapped__  # typer would read the signature behind it
    with_settings.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_settings.__annotations__ = {option.name: option.annotation for option in parameters}
    return with_settings


def _annotation(name: str, panel: str) -> Any:
    _, kind, text = _TABLE[name]
    return Annotated[kind | None, typer.Option(f"--{name.replace('_', '-')}", help=text, rich_help_panel=panel)]


def settings_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the options name, nested: {"kind": ..., "sampling": {"temperature": ...}}."""
    settings: dict[str, Any] = {}
    for name, value in options.items():
        if value is None or value == []:
            continue
        group, _, field = _TABLE[name][0].rpartition(".")
        (settings.setdefault(group, {}) if group else settings)[field] = value
    if "server_args" in settings:
        settings["server_args"] = dict(map(_server_arg, settings["server_args"]))
    return settings


def _server_arg(text: str) -> tuple[str, str | int | float | bool]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(f"--server-arg {text!r} is not NAME=VALUE, e.g. max_model_len=4096.")
    name = name.lstrip("-").replace("-", "_")
    if value.lower() in ("true", "false"):
        return name, value.lower() == "true"
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def build_settings(given: Mapping[str, Any]) -> RewriterSettings:
    """Raises: UsageError that names the option. What was given is never shown: it may be a key in the wrong place."""
    from pydantic import ValidationError

    from asd.rewrite.settings import RewriterSettings

    if "kind" not in given:
        first = next(iter(given))
        raise UsageError(f"{_OPTION_OF.get(first, '--temperature')} is about the rewriter; give --rewriter as well.")
    if "model" not in given:
        raise UsageError("--rewriter needs --model, the model's name at the server or its folder.")
    try:
        return RewriterSettings(**given)
    except ValidationError as exc:
        first_error = exc.errors()[0]
        message = problem_of_setting(first_error, show=False)
        fields = [str(part) for part in first_error["loc"]]
        option = next((_OPTION_OF[name] for name in reversed(fields) if name in _OPTION_OF), None)
        raise UsageError(f"{option}: {message}." if option else f"--rewriter: {_as_options(message)}.") from None


def _as_options(message: str) -> str:
    """Names of settings in a message as the options that set them."""
    return " ".join(_OPTION_OF.get(word.rstrip(",;"), word.rstrip(",;")) + word[len(word.rstrip(",;")) :]
                    for word in message.split(" "))  # fmt: skip
