"""Writes small.safetensors with the safetensors package: pip install safetensors torch."""

import pathlib

import torch
from safetensors.torch import save_file

tensors = {
    "f32": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "f16": torch.tensor([1.5], dtype=torch.float16),
    "bf16": torch.tensor([1.5, -2.0, 3.0], dtype=torch.bfloat16),
    "f64": torch.tensor([0.1], dtype=torch.float64),
    "i64": torch.tensor([-1], dtype=torch.int64),
    "u8": torch.tensor([7, 8, 9], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "scalar": torch.tensor(3.0),
}
save_file(
    tensors,
    pathlib.Path(__file__).parent / "small.safetensors",
    metadata={"format": "pt", "note": "\u00e9"},
)
