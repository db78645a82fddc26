"""Values of LoRA on tiny Llama models, computed by peft and transformers; writes lora_<case>.json.

    ~/.cache/sft/deps/reference/bin/python tests/reference/lora_reference.py

The base models and their samples are those of families_reference.py. The adapter's weights are in no
file: element i of tensor T (peft's name, row-major) is, in float32,
    (u - 0.5) * 0.25      u = Rng(seed + 100, T).uniform(i); A and B both, so that B is not zero
Each lora_<case>.json holds
    model             which llama_<model>.json the base is
    seed              of the adapter
    adapter_config    what peft wrote
    parameters        the adapter's tensors and their shapes
    token_logprobs    a list a sample: of tokens 1, 2, ..., in float64
    gradients         of the mean loss over all targets, in float64: see families_reference.py
    merged            of merge_and_unload's weights: norm and values at some flat indices, for each
                      adapted layer
    training          20 steps in float32 from this adapter: settings, batches, what each step gave,
                      norms of the changes, and token_logprobs of the trained model
"""

import copy
import json
import math
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model

from families_reference import FOLDER, MODELS, SETTINGS, build, described, make_samples
from philox import uniform
from reference_loop import rounded, snapshot, token_logprobs, train, update_norms

CASES = {
    "all_linear": ("llama_tied_gqa", {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"}),
    "rank_stabilized": ("llama_wide_heads", {"r": 3, "lora_alpha": 5, "use_rslora": True,
                                       "target_modules": ["q_proj", "v_proj", "down_proj"]}),
    # A regular expression, and layers with a rank or alpha of their own.
    "patterns": ("llama_untied_mha", {
        "r": 4, "lora_alpha": 6, "target_modules": r".*\.(self_attn\.[qo]_proj|mlp\.up_proj)",
        "rank_pattern": {"layers.1.self_attn.q_proj": 2, "up_proj": 5},
        "alpha_pattern": {r"layers\.[02]\..*o_proj": 3, "q_proj": 12}}),
}


def peft_names(model):
    """The adapter's tensors under the names that peft writes."""
    return {name.replace(".default.", "."): parameter
            for name, parameter in model.named_parameters() if ".lora_" in name}


def adapted(base, options, seed):
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **options))
    for name, parameter in peft_names(model).items():
        values = (uniform(seed, name, parameter.numel()) - 0.5) * 0.25
        parameter.data = torch.from_numpy(values).reshape(parameter.shape)
    return model.eval()


def written_config(model):
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        config = json.loads((Path(folder) / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = None  # the folder of the moment
    return config


def trained_only(gradient):
    return {name.replace(".default.", "."): g for name, g in gradient.items() if ".lora_" in name}


def exact_gradients(model, samples):
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(".lora_" in name)
    model.zero_grad()
    num_targets = sum(len(s["token_ids"]) - s["num_prompt"] for s in samples)
    total = 0.0
    for sample in samples:
        token_ids, first = torch.tensor(sample["token_ids"]), sample["num_prompt"]
        logits = model(input_ids=token_ids.unsqueeze(0)).logits[0, first - 1:-1]
        loss = torch.nn.functional.cross_entropy(logits, token_ids[first:], reduction="sum")
        (loss / num_targets).backward()
        total += loss.item()
    gradient = {n: p.grad.double().clone() for n, p in model.named_parameters()
                if p.grad is not None}
    return described(total / num_targets, trained_only(gradient))


def merged(model):
    whole = copy.deepcopy(model).merge_and_unload()
    layers = {name.split(".lora_")[0].removeprefix("base_model.model.") for name in
              peft_names(model)}
    weights = {name: p.detach() for name, p in whole.named_parameters()
               if name.removesuffix(".weight") in layers}
    return described(0.0, {name: w.double() for name, w in weights.items()})["parameters"]


class Trainable(torch.nn.Module):
    """What reference_loop.train sees: the adapter's parameters alone."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, **inputs):
        return self.model(**inputs)

    def named_parameters(self, *arguments, **options):
        for name, parameter in peft_names(self.model).items():
            yield name, parameter


def training(model, samples):
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(".lora_" in name)
    batches = [[(step * SETTINGS["batch_size"] + i) % len(samples)
                for i in range(SETTINGS["batch_size"])] for step in range(SETTINGS["num_steps"])]
    trainable = Trainable(model)
    before = snapshot(trainable)
    steps = list(train(trainable, [[samples[i] for i in batch] for batch in batches], SETTINGS))
    norms = update_norms(trainable, before)
    return {"settings": SETTINGS, "batches": batches, "steps": steps, "update_norms": norms,
            "update_norm": math.sqrt(sum(n * n for n in norms.values())),
            "token_logprobs": [token_logprobs(model, s["token_ids"]) for s in samples]}


def reference(case, folder):
    name, options = CASES[case]
    base_seed = 1 + list(MODELS).index(name)
    seed = base_seed + 100
    samples = make_samples(MODELS[name]["vocab_size"], base_seed)
    model = adapted(build(MODELS[name], base_seed, folder), options, seed)
    exact = copy.deepcopy(model).double()
    return {
        "model": name,
        "seed": seed,
        "adapter_config": written_config(model),
        "parameters": {n: list(p.shape) for n, p in peft_names(model).items()},
        "token_logprobs": [token_logprobs(exact, s["token_ids"]) for s in samples],
        "gradients": exact_gradients(exact, samples),
        "merged": merged(model),
        "training": training(model, samples),
    }


def main():
    torch.set_num_threads(1)
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            values = rounded(reference(case, Path(folder)))
        text = json.dumps(values, indent=None, separators=(",", ":"), sort_keys=True)
        (FOLDER / f"lora_{case}.json").write_text(text.replace('],"', '],\n"') + "\n")


if __name__ == "__main__":
    main()
