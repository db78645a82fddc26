"""Loads an adapter that sft wrote with peft and compares log-probabilities, also merged.

    ~/.cache/sft/deps/reference/bin/python tests/reference/check_adapter.py \\
        BASE ADAPTER F.jsonl O.jsonl [MERGED]

F.jsonl has {"prompt", "completion"} a line; O.jsonl is the output of
    sft score --ckpt BASE --adapter ADAPTER --dtype float32 --input F.jsonl --output O.jsonl
Token ids must be equal and each log-probability within 2e-4. With MERGED, the folder that `sft merge`
wrote, its weights must be those of peft's merge_and_unload to one rounding of their type. The exit
status is 1 where something differs.

    ... check_adapter.py --make BASE ADAPTER

writes an adapter as peft would, with random A and B, for the other direction.
"""

import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from check_checkpoint import TOLERANCE, largest_difference, read, score

EPS = {torch.float32: 2 ** -23, torch.bfloat16: 2 ** -8, torch.float16: 2 ** -10}


def make(base, folder):
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(
        task_type="CAUSAL_LM", r=6, lora_alpha=9, use_rslora=True, target_modules="all-linear",
        rank_pattern={"q_proj": 3}, alpha_pattern={"down_proj": 4}))
    torch.manual_seed(5)
    for name, parameter in model.named_parameters():
        if ".lora_" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    model.save_pretrained(folder)


def largest_rounding(model, merged):
    """The largest difference of merged weights, in roundings of their type."""
    whole = model.merge_and_unload()
    found = load_file(Path(merged) / "model.safetensors")
    names = {name for name, _ in whole.named_parameters()}  # a tied matrix once
    if names != set(found):
        sys.exit(f"{merged}: other tensors than peft's: {sorted(names ^ set(found))}")
    largest = 0.0
    for name, other in found.items():
        value = whole.get_parameter(name).detach()
        scale = torch.maximum(value.float().abs(), torch.tensor(1e-3)) * EPS[other.dtype]
        largest = max(largest, float(((value.float() - other.float()).abs() / scale).max()))
    return largest


def main(base, adapter, rows, scored, merged=None):
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = PeftModel.from_pretrained(model, adapter).eval()
    largest = largest_difference([score(model, tokenizer, row) for row in read(rows)], read(scored))
    print(f"{adapter}: largest difference {largest:.2e} (allowed {TOLERANCE})")
    is_wrong = largest > TOLERANCE
    if merged:
        rounding = largest_rounding(model, merged)
        print(f"{merged}: largest difference {rounding:.2f} roundings (allowed 2)")
        is_wrong = is_wrong or rounding > 2
    sys.exit(is_wrong)


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "--make":
        make(*sys.argv[2:])
    elif len(sys.argv) in (5, 6):
        main(*sys.argv[1:])
    else:
        sys.exit(__doc__)
