"""transformers' Trainer, told by scripts/bench/train what to do, a line of JSON at a time.

    python trainer_peer.py MODEL SETTING < commands      (or --list: the names of the settings)

First line: the batches, each a list of equally many Alpaca rows. The first is done at once, to warm
up, and answered as a step. Then {"steps": N} does the next N and answers {"tokens", "seconds", "cpu_seconds", "loss"};
{"products": true} times the matrix products of the rows of those steps.

Trainer's own loop runs the steps; a callback makes it wait for the next command between them.
"""

import json
import os
import statistics
import sys
import tempfile
import time

import torch
from torch.utils.data import Dataset
from transformers import (AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq,
                          DataCollatorWithFlattening, PrinterCallback, Trainer, TrainerCallback,
                          TrainingArguments)
from transformers.utils.logging import disable_progress_bar

# Rows of a forward pass, whether those of one length come together (group_by_length, kept inside
# the optimizer step so that its rows stay the same), the type of the weights. All 32 rows at once are
# left out: their logits alone took more than 24 GB.
SETTINGS = {
    "autocast_8": {"rows": 8, "grouped": True, "dtype": torch.float32, "autocast": True},
    "bf16_1": {"rows": 1, "grouped": False, "dtype": torch.bfloat16},
    "bf16_4_grouped": {"rows": 4, "grouped": True, "dtype": torch.bfloat16},
    "bf16_8_grouped": {"rows": 8, "grouped": True, "dtype": torch.bfloat16},
    "bf16_4_padding_free": {"rows": 4, "grouped": True, "dtype": torch.bfloat16, "flat": True},
    "bf16_8_padding_free": {"rows": 8, "grouped": True, "dtype": torch.bfloat16, "flat": True},
    "float32_8_grouped": {"rows": 8, "grouped": True, "dtype": torch.float32},
}


def encode(tokenizer, row):
    """As sft's template question_answer; the response and the end token are trained on."""
    instruction = row["instruction"] + ("\n" + row["input"] if row.get("input") else "")
    prompt = f"###Question: {instruction}\n###Answer:"
    encoding = tokenizer(f"{prompt} {row['output']}", return_offsets_mapping=True)
    num_prompt = sum(end <= len(prompt) for _, end in encoding["offset_mapping"])
    token_ids = [*encoding["input_ids"], tokenizer.eos_token_id]
    return {"input_ids": token_ids, "attention_mask": [1] * len(token_ids),
            "labels": [-100] * num_prompt + token_ids[num_prompt:]}


class Rows(Dataset):
    def __init__(self, samples):
        self.samples = samples

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return self.samples[index]


class InOrder(Trainer):
    """Takes the rows as they stand, so that each step has those of sft's step."""

    def _get_train_sampler(self, *_):
        return torch.utils.data.SequentialSampler(self.train_dataset)


class Conductor(TrainerCallback):
    """Lets Trainer go on for as many steps as a command says, and answers when they are done."""

    def __init__(self, batches, products):
        self.batches = batches
        self.products = products
        self.done = 0
        self.wanted = 1  # the step that warms up
        self.answer_due = False
        self.last = []
        self.start()

    def start(self):
        self.first = self.done
        self.losses = []
        self.began = time.perf_counter(), time.process_time()

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in (logs or {}):
            self.losses.append(logs["loss"])

    def on_step_end(self, args, state, control, **kwargs):
        self.done += 1
        self.ended = time.perf_counter(), time.process_time()

    def on_step_begin(self, args, state, control, **kwargs):
        # Of the step before, the log has been written by now.
        if self.done == self.wanted:
            self.report()
            self.obey()

    def report(self):
        self.last = self.batches[self.first:self.done]
        answer({
            "tokens": sum(len(s["input_ids"]) for batch in self.last for s in batch),
            "seconds": self.ended[0] - self.began[0],
            "cpu_seconds": self.ended[1] - self.began[1],
            "loss": self.losses,
        })

    def obey(self):
        for line in sys.stdin:
            command = json.loads(line)
            if "steps" in command:
                self.wanted = self.done + command["steps"]
                self.start()
                return
            answer(self.products(self.last))
        os._exit(0)  # the driver has closed our input; Trainer has nothing to save


def answer(message):
    print(json.dumps(message), file=ANSWERS, flush=True)


def time_product(rows, inner, columns):
    """Seconds of y = x w^T and its two gradients, [rows, inner] by [columns, inner]."""
    x = torch.randn(rows, inner).bfloat16()
    w = torch.randn(columns, inner).bfloat16()
    y = torch.randn(rows, columns).bfloat16()
    times = []
    for _ in range(4):
        began = time.perf_counter()
        x @ w.t(), y @ w, y.t() @ x
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def products_of(config, batches):
    """All linear layers over all tokens, the output matrix over the targets alone."""
    seconds = 0.0
    tokens = 0
    for batch in batches:
        rows = sum(len(s["input_ids"]) for s in batch)
        targets = sum(sum(label >= 0 for label in s["labels"]) for s in batch)
        tokens += rows
        hidden, heads = config.hidden_size, config.num_attention_heads
        head = hidden // heads
        key = config.num_key_value_heads * head
        shapes = [(hidden, hidden, 2), (hidden, key, 2), (hidden, config.intermediate_size, 2),
                  (config.intermediate_size, hidden, 1)]
        layer = sum(n * time_product(rows, inner, columns) for inner, columns, n in shapes)
        seconds += config.num_hidden_layers * layer
        # A part of the targets: whole logits would measure page faults.
        part = min(targets, 1024)
        seconds += targets / part * time_product(part, hidden, config.vocab_size)
    return {"tokens": tokens, "seconds": seconds}


def batches_of(tokenizer, setting, batches):
    encoded = [[encode(tokenizer, row) for row in batch] for batch in batches]
    if setting["grouped"]:
        for batch in encoded:
            batch.sort(key=lambda sample: len(sample["input_ids"]))
    return encoded


def collator(tokenizer, setting):
    if setting.get("flat"):
        return DataCollatorWithFlattening(return_position_ids=True)
    return DataCollatorForSeq2Seq(tokenizer, padding=True)


def main(folder, setting):
    disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=setting["dtype"])
    batches = batches_of(tokenizer, setting, json.loads(sys.stdin.readline()))
    size = len(batches[0])
    conductor = Conductor(batches, lambda last: products_of(model.config, last))
    with tempfile.TemporaryDirectory() as output:
        arguments = TrainingArguments(
            output_dir=output, use_cpu=True, max_steps=len(batches) + 1, num_train_epochs=1,
            per_device_train_batch_size=setting["rows"],
            gradient_accumulation_steps=size // setting["rows"],
            bf16=setting.get("autocast", False), learning_rate=1e-5,
            lr_scheduler_type="constant", logging_steps=1, save_strategy="no", report_to=[],
            disable_tqdm=True, log_level="error", dataloader_num_workers=0, remove_unused_columns=False)
        # One batch more than will be asked for: a callback answers when the next step begins.
        samples = [sample for batch in [*batches, batches[0]] for sample in batch]
        trainer = InOrder(model=model, args=arguments, train_dataset=Rows(samples),
                          data_collator=collator(tokenizer, setting), callbacks=[conductor])
        trainer.remove_callback(PrinterCallback)
        trainer.train()


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(SETTINGS))
        sys.exit()
    # Trainer prints its logs to stdout; the answers go there alone.
    ANSWERS = sys.stdout
    sys.stdout = sys.stderr
    main(sys.argv[1], SETTINGS[sys.argv[2]])
