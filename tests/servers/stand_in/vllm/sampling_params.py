"""Takes what vLLM takes since 0.12: `structured_outputs`, not `guided_decoding`."""

from dataclasses import dataclass


@dataclass
class StructuredOutputsParams:
    json: dict


@dataclass
class SamplingParams:
    temperature: float
    top_p: float
    max_tokens: int
    seed: int | None
    structured_outputs: StructuredOutputsParams
