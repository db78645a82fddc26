"""Values of SmolLM2-135M-Instruct, computed by transformers; writes smollm2.json.

    ~/.cache/sft/deps/reference/bin/python tests/reference/smollm2_reference.py DIR

DIR is what tests/reference/smollm2_folder.py wrote; `sft import` has to write the same weights.
smollm2.json holds
    weights    per tensor its sum, its sum of magnitudes and some values, so that an import is checked
               without the file
    scores     {"prompt", "completion", "token_ids", "token_logprobs"}: in float32, what `sft score`
               gives; "bf16_rms_error" is that of transformers' bf16 against float64 on rounded
               weights, "bf16_exact_logprobs" the latter's values
    greedy     {"prompt", "response", "token_ids", "finish", "margin"}: 64 tokens in float32
    training   20 steps in float32 on data/quickstart/train.jsonl: "config" for `sft train`, the ids
               of each step's samples, what each step gave, the norm of each parameter's change
"""

import copy
import hashlib
import json
import math
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from reference_loop import greedy, rounded, snapshot, token_logprobs, train, update_norms

HERE = Path(__file__).resolve().parent
TRAIN_FILE = HERE.parent.parent / "data" / "quickstart" / "train.jsonl"

PAIRS = [
    ("The capital of France is", " Paris."),
    ("###Question: What is 12 * 12?\n###Answer:", " 144"),
    ("<|im_start|>user\nName a colour.<|im_end|>\n<|im_start|>assistant\n", "Blue.<|im_end|>"),
    ("def fibonacci(n):\n    if n < 2:\n", "        return n\n    return fibonacci(n - 1)"),
    ("Once upon a time, there was a little girl", " who lived in a village near the forest."),
    ("1, 2, 3, 4, 5, 6, 7,", " 8, 9, 10, 11, 12, 13"),
    ("Die Hauptstadt von Deutschland ist", " Berlin, und sie liegt an der Spree."),
    ("\u65e5\u672c\u306e\u9996\u90fd\u306f", "\u6771\u4eac\u3067\u3059\u3002"),
    ("Emoji: \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467", " \u2014 caf\u00e9 na\u00efve \u2713"),
    ("{\"name\": \"sft\", \"version\": ", "\"0.1.0\", \"layers\": [1, 2, 3]}"),
    ("   leading and   inner  spaces\t\ttabs\n\n\n", "  next paragraph\r\nwith CRLF   "),
    ("The word is unbeliev", "able, isn't it? They'll say we've won."),
    ("Water boils at 100 degrees", " Celsius (212 \u00b0F) at sea level."),
    ("", "An empty prompt has only the end token before it."),
    ("x" * 40, "y" * 40),
    ("To be, or not to be, that is the question: " * 8, "Whether 'tis nobler in the mind to suffer"),
]
PROMPTS = [
    "The capital of France is",
    "<|im_start|>user\nWhat is the largest planet?<|im_end|>\n<|im_start|>assistant\n",
    "###Question: Name three fruits.\n###Answer:",
    "def is_prime(n):\n",
    "Once upon a time",
    "1, 2, 3, 4,",
]
CONFIG = {
    "num_samples": 120, "seed": 7,
    "num_steps": 20, "batch_size": 4, "learning_rate": 2e-5, "schedule": "cosine",
    "warmup_ratio": 0.1, "weight_decay": 0.01, "adam_betas": [0.9, 0.999], "adam_eps": 1e-8,
    "max_grad_norm": 1.0,
}


def encode(tokenizer, prompt, completion):
    """The ids of both as one text, and how many end within the bytes of `prompt`."""
    token_ids = tokenizer(prompt + completion)["input_ids"]
    end, num_prompt, limit = 0, 0, len(prompt.encode())
    for token_id in token_ids:
        end += num_bytes(tokenizer, token_id)
        num_prompt += end <= limit
    assert end == len((prompt + completion).encode()), (prompt, completion)
    return token_ids, num_prompt


def num_bytes(tokenizer, token_id):
    token = tokenizer.convert_ids_to_tokens(token_id)
    # A byte-level vocabulary spells each byte as one character; special tokens spell themselves.
    return len(token.encode()) if token_id in tokenizer.all_special_ids or token.startswith("<|") \
        else len(token)


def scores(model, tokenizer):
    half = copy.deepcopy(model).bfloat16()
    exact = copy.deepcopy(half).double()
    result = []
    for prompt, completion in PAIRS:
        token_ids, num_prompt = encode(tokenizer, prompt, completion)
        if num_prompt == 0:
            token_ids, num_prompt = [tokenizer.eos_token_id, *token_ids], 1
        first = num_prompt - 1
        expected = token_logprobs(exact, token_ids)[first:]
        error = token_logprobs(half, token_ids)[first:] - expected
        result.append({
            "prompt": prompt, "completion": completion, "token_ids": token_ids[num_prompt:],
            "token_logprobs": token_logprobs(model, token_ids)[first:],
            "bf16_exact_logprobs": expected,
            "bf16_rms_error": float(error.square().mean().sqrt()),
        })
    return result


def greedy_texts(model, tokenizer):
    end = tokenizer.eos_token_id
    result = []
    for prompt in PROMPTS:
        token_ids, margin = greedy(model, tokenizer(prompt)["input_ids"], 64)
        finish = "length"
        if end in token_ids:
            token_ids, finish = token_ids[:token_ids.index(end) + 1], "eos"
        text = tokenizer.decode([i for i in token_ids if i != end])
        result.append({"prompt": prompt, "response": text, "token_ids": token_ids,
                       "finish": finish, "margin": margin})
    return result


def content_id(row):
    turns = json.dumps([row["instruction"], row["response"]], ensure_ascii=False,
                       separators=(",", ":"))
    return hashlib.sha256(turns.encode()).hexdigest()[:16]


def epoch_order(ids, seed, epoch):
    return sorted(ids, key=lambda i: hashlib.sha256(f"{seed}\n{epoch}\n{i}".encode()).hexdigest())


def training_samples(tokenizer):
    """By id, in the file's order; the draw of num_samples is by its own key."""
    samples = {}
    for line in TRAIN_FILE.read_text().splitlines():
        row = json.loads(line)
        prompt = f"###Question: {row['instruction']}\n###Answer:"
        token_ids, num_prompt = encode(tokenizer, prompt, f" {row['response']}")
        samples[content_id(row)] = {"token_ids": [*token_ids, tokenizer.eos_token_id],
                                    "num_prompt": num_prompt}
    return samples


def training(model, tokenizer):
    samples = training_samples(tokenizer)
    draw = sorted(samples, key=lambda i: hashlib.sha256(
        f"{CONFIG['seed']}\nquickstart\n{i}".encode()).hexdigest())[:CONFIG["num_samples"]]
    order = epoch_order(draw, CONFIG["seed"], 1)
    size = CONFIG["batch_size"]
    batches = [order[step * size:(step + 1) * size] for step in range(CONFIG["num_steps"])]
    # The schedule is that of the whole epoch; the run is stopped after num_steps of it.
    settings = {**CONFIG, "num_steps": math.ceil(len(order) / size)}
    before = snapshot(model)
    steps = list(train(model, [[samples[i] for i in batch] for batch in batches], settings))
    norms = update_norms(model, before)
    return {"config": CONFIG, "batches": batches, "steps": steps, "update_norms": norms,
            "update_norm": math.sqrt(sum(n * n for n in norms.values()))}


def weight_marks(model):
    result = {}
    for name, parameter in model.named_parameters():
        flat = parameter.detach().double().flatten()
        indices = [0, len(flat) // 3, len(flat) - 1]
        result[name] = {"sum": float(flat.sum()), "magnitudes": float(flat.abs().sum()),
                        "values": flat[indices]}
    return result


def main(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    values = rounded({
        "weights": weight_marks(model),
        "scores": scores(model, tokenizer),
        "greedy": greedy_texts(model, tokenizer),
        "training": training(model, tokenizer),
    })
    text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
    (HERE / "smollm2.json").write_text(text.replace('},"', '},\n"').replace("},{", "},\n{") + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
