"""Generates what `sft eval` has generated with transformers, and compares the texts.

    ~/.cache/sft/deps/reference/bin/python tests/reference/check_generation.py MODEL EVAL [MAX_NEW]

EVAL is the folder that
    sft eval --ckpt MODEL --dtype float32 --max-new-tokens MAX_NEW --output EVAL ...
wrote, MAX_NEW tokens a response (64). Of every sample its prompt is given to transformers, alone and
greedily; sft has answered it in a batch, behind worked examples that it computed once, and with
guessed tokens. Tasks with stops are compared up to where sft's text ends. Two texts may part where
transformers' two best logits are closer than 1e-3, which float32 sums in another order decide; such
a place is told. The exit status is 1 where texts part elsewhere.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

CLOSE = 1e-3


def compare(model, tokenizer, sample, max_new):
    """None where the texts are the same, else the gap of the two best logits where they part."""
    ids = tokenizer(sample["prompt"], return_tensors="pt").input_ids
    if ids.shape[1] != sample["prompt_tokens"]:
        sys.exit(f"sample {sample['id']}: {sample['prompt_tokens']} prompt tokens, transformers has "
                 f"{ids.shape[1]}")
    with torch.no_grad():
        out = model.generate(ids, max_new_tokens=max_new, do_sample=False, num_beams=1,
                             repetition_penalty=1.0, return_dict_in_generate=True,
                             output_logits=True)
    new = out.sequences[0, ids.shape[1]:]
    text = tokenizer.decode(new, skip_special_tokens=True)
    said = sample["response"]
    if text == said or (sample["finish"] == "stop" and text.startswith(said)):
        return None
    for i in range(len(new)):
        if not said.startswith(tokenizer.decode(new[:i + 1], skip_special_tokens=True)):
            best = torch.topk(out.logits[i][0].float(), 2).values
            return float(best[0] - best[1])
    return float("inf")


def main(model_path, folder, max_new="64"):
    tokenizer = AutoTokenizer.from_pretrained(model_path)
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32).eval()
    is_wrong = False
    for path in sorted(Path(folder, "samples").glob("*.jsonl")):
        samples = [json.loads(line) for line in path.read_text().splitlines()]
        gaps = [compare(model, tokenizer, sample, int(max_new)) for sample in samples]
        parted = [gap for gap in gaps if gap is not None]
        is_wrong = is_wrong or any(gap > CLOSE for gap in parted)
        print(f"{path.stem}: {len(samples)} responses, {len(parted)} part"
              + (f", where the best logits differ by {max(parted):.2g}" if parted else ""), flush=True)
    return 1 if is_wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
