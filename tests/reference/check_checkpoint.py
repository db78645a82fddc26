"""Loads a folder that sft wrote with transformers and prints log-probabilities, or compares them.

    ~/.cache/sft/deps/reference/bin/python tests/reference/check_checkpoint.py DIR F.jsonl [O.jsonl]

F.jsonl has {"prompt", "completion"} a line, as `sft score --input` reads it. Without O.jsonl a line
{"token_ids", "token_logprobs", "logprob"} is printed for each. With the output of `sft score
--dtype float32` as O.jsonl, the token ids must be equal and each log-probability within 2e-4; the
largest difference is printed, and the exit status is 1 where they are not.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from reference_loop import token_logprobs
from smollm2_reference import encode

TOLERANCE = 2e-4


def score(model, tokenizer, row):
    token_ids, num_prompt = encode(tokenizer, row["prompt"], row["completion"])
    if num_prompt == 0:
        token_ids, num_prompt = [tokenizer.eos_token_id, *token_ids], 1
    logprobs = token_logprobs(model, token_ids)[num_prompt - 1:].tolist()
    return {"token_ids": token_ids[num_prompt:], "token_logprobs": logprobs,
            "logprob": sum(logprobs)}


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def largest_difference(expected, found):
    if len(expected) != len(found):
        sys.exit(f"{len(expected)} lines scored here, {len(found)} by sft")
    largest = 0.0
    for line, (one, other) in enumerate(zip(expected, found), start=1):
        if one["token_ids"] != other["token_ids"]:
            sys.exit(f"line {line}: token ids {one['token_ids']} here, {other['token_ids']} by sft")
        pairs = zip(one["token_logprobs"], other["token_logprobs"], strict=True)
        largest = max([largest, *(abs(a - b) for a, b in pairs)])
    return largest


def main(folder, rows, scored=None):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True)
    unmatched = {key: sorted(names) for key, names in report.items() if names}
    if unmatched:
        sys.exit(f"{folder}: weights and config do not match: {unmatched}")
    result = [score(model.eval(), tokenizer, row) for row in read(rows)]
    if scored is None:
        for line in result:
            print(json.dumps(line))
        return
    largest = largest_difference(result, read(scored))
    print(f"{folder}: {len(result)} lines, largest difference {largest:.2e} (allowed {TOLERANCE})")
    sys.exit(largest > TOLERANCE)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
