"""Values of tiny random Llama models, computed by transformers; writes llama_<name>.json.

    ~/.cache/sft/deps/reference/bin/python tests/reference/llama_reference.py

The weights are in no file: element i of tensor T (row-major) is, in float32,
    (u - 0.5) * 0.5        u = Rng(seed, T).uniform(i); a matrix
    1 + (u - 0.5) * 0.25   a norm's weight
Each llama_<name>.json holds (transformers keeps norms and rotary tables in float32 in all types)
    config            config.json of the model
    seed              of the weights
    samples           {"token_ids", "num_prompt"}: tokens from num_prompt on are trained on
    token_logprobs    a list a sample: of tokens 1, 2, ..., in float64
    greedy            {"prompt", "token_ids", "margin"}: continued in float64; margin is the smallest
                      lead of a chosen token's logit
    gradients         of the mean loss over all targets of all samples, in float64: its "loss", and
                      for each parameter its Frobenius norm and the values at some flat indices
    bf16              the same model rounded to bf16: token_logprobs and gradient norms in float64
                      from the rounded weights, and how far transformers' bf16 is from them
    training          20 steps in float32: settings, batches (indices of samples), what each step
                      gave, the norm of each parameter's whole change
"""

import copy
import json
import math
import tempfile
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from philox import uniform
from reference_loop import (backward, greedy, rounded, snapshot, token_logprobs, train,
                            update_norms)

MODELS = {
    # What transformers 5 writes; fewer key heads than query heads; tied output matrix.
    "tied_gqa": {
        "vocab_size": 97, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
        "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}, "dtype": "float32",
    },
    # What transformers 4 wrote, head_dim and key heads left out: as many as query heads.
    "untied_mha": {
        "vocab_size": 128, "hidden_size": 48, "intermediate_size": 130, "num_hidden_layers": 3,
        "num_attention_heads": 3, "max_position_embeddings": 128, "rms_norm_eps": 1e-6,
        "tie_word_embeddings": False, "rope_theta": 100000.0, "rope_scaling": None,
        "torch_dtype": "float32",
    },
    # Heads wider than hidden_size / heads, one key head for all.
    "wide_heads": {
        "vocab_size": 71, "hidden_size": 32, "intermediate_size": 56, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 24,
        "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
        "rope_theta": 500000.0, "torch_dtype": "bfloat16",
    },
}
ALWAYS = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
    "attention_bias": False, "mlp_bias": False, "bos_token_id": 1, "eos_token_id": 2,
}
LENGTHS = [2, 33, 5, 17, 64, 9, 3, 24, 11, 40, 7, 13]
SETTINGS = {
    "num_steps": 20, "batch_size": 5, "learning_rate": 2e-3, "schedule": "cosine",
    "warmup_ratio": 0.12, "weight_decay": 0.1, "adam_betas": [0.9, 0.95], "adam_eps": 1e-8,
    "max_grad_norm": 1.0,
}
FOLDER = Path(__file__).resolve().parent


def random_weights(model, seed):
    for name, parameter in model.named_parameters():
        centred = uniform(seed, name, parameter.numel()) - 0.5
        value = 1 + centred * 0.25 if "norm" in name else centred * 0.5
        parameter.data = torch.from_numpy(value).reshape(parameter.shape)


def build(config, seed, folder):
    """Through a config.json, so that reading it is transformers' own business."""
    (folder / "config.json").write_text(json.dumps(config))
    model = AutoModelForCausalLM.from_config(
        AutoConfig.from_pretrained(folder), dtype=torch.float32)
    random_weights(model, seed)
    return model.eval()


def make_samples(vocab_size, seed):
    draws = uniform(seed, "samples", sum(LENGTHS)) * vocab_size
    samples, begin = [], 0
    for i, length in enumerate(LENGTHS):
        token_ids = [int(x) for x in draws[begin:begin + length]]
        samples.append({"token_ids": token_ids, "num_prompt": 1 + i * (length - 1) // len(LENGTHS)})
        begin += length
    return samples


def gradients(model, samples):
    model.zero_grad()
    loss = backward(model, samples)
    return loss, {name: p.grad.double().clone() for name, p in model.named_parameters()}


def described(loss, gradient):
    def entry(value):
        flat = value.flatten()
        indices = sorted({0, 1, len(flat) // 3, len(flat) - 1})
        return {"norm": float(flat.norm()), "indices": indices, "values": flat[indices]}
    return {"loss": loss, "parameters": {name: entry(g) for name, g in gradient.items()}}


def bf16_part(model, samples):
    """How far transformers' bf16 arithmetic is from float64 on the same, rounded, weights."""
    half = copy.deepcopy(model).bfloat16()
    exact = copy.deepcopy(half).double()
    expected = [token_logprobs(exact, s["token_ids"]) for s in samples]
    errors = torch.cat([token_logprobs(half, s["token_ids"]) - e
                        for s, e in zip(samples, expected)])
    _, exact_gradient = gradients(exact, samples)
    _, half_gradient = gradients(half, samples)
    difference = math.sqrt(sum(float((half_gradient[n] - g).norm()) ** 2
                               for n, g in exact_gradient.items()))
    whole = math.sqrt(sum(float(g.norm()) ** 2 for g in exact_gradient.values()))
    return {
        "token_logprobs": expected,
        "gradients": described(0.0, exact_gradient)["parameters"],
        "transformers": {"logprob_rms_error": float(errors.square().mean().sqrt()),
                         "logprob_max_error": float(errors.abs().max()),
                         "gradient_relative_error": difference / whole},
    }


def training(model, samples):
    batches = [[(step * SETTINGS["batch_size"] + i) % len(samples)
                for i in range(SETTINGS["batch_size"])] for step in range(SETTINGS["num_steps"])]
    before = snapshot(model)
    steps = list(train(model, [[samples[i] for i in batch] for batch in batches], SETTINGS))
    norms = update_norms(model, before)
    return {"settings": SETTINGS, "batches": batches, "steps": steps, "update_norms": norms,
            "update_norm": math.sqrt(sum(n * n for n in norms.values()))}


def reference(name, seed, folder):
    config = {**ALWAYS, **MODELS[name]}
    model = build(config, seed, folder)
    samples = make_samples(config["vocab_size"], seed)
    exact = copy.deepcopy(model).double()
    continued = []
    for sample in samples[1:4]:
        prompt = sample["token_ids"][:8]
        token_ids, margin = greedy(exact, prompt, 24)
        continued.append({"prompt": prompt, "token_ids": token_ids, "margin": margin})
    return {
        "config": config,
        "seed": seed,
        "samples": samples,
        "token_logprobs": [token_logprobs(exact, s["token_ids"]) for s in samples],
        "greedy": continued,
        "gradients": described(*gradients(exact, samples)),
        "bf16": bf16_part(model, samples),
        "training": training(model, samples),
    }


def main():
    torch.set_num_threads(1)
    for seed, name in enumerate(MODELS, start=1):
        with tempfile.TemporaryDirectory() as folder:
            values = rounded(reference(name, seed, Path(folder)))
        text = json.dumps(values, indent=None, separators=(",", ":")).replace('],"', '],\n"')
        (FOLDER / f"llama_{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
