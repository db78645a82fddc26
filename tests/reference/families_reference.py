"""Values of tiny random models of each family, computed by transformers; writes <family>_<name>.json.

    ~/.cache/sft/deps/reference/bin/python tests/reference/families_reference.py [NAME...]

The weights are in no file: element i of tensor T (row-major) is, in float32,
    (u - 0.5) * 0.5             u = Rng(seed, T).uniform(i); a matrix or a bias
    centre + (u - 0.5) * 0.25   a norm's weight; centre is 0 where the family stores weights less 1
Each file holds (transformers keeps norms and rotary tables in float32 in all types)
    config            config.json of the model
    seed              of the weights
    norm_centre       of the weights
    samples           {"token_ids", "num_prompt"}: tokens from num_prompt on are trained on
    token_logprobs    a list a sample: of tokens 1, 2, ..., in float64
    last              {"hidden", "logits"}: a list a sample, of its last token, in float64; hidden is
                      what the output matrix is multiplied with
    greedy            {"prompt", "token_ids", "margin"}: continued in float64; margin is the smallest
                      lead of a chosen token's logit
    gradients         of the mean loss over all targets of all samples, in float64: its "loss", and
                      for each parameter its Frobenius norm and its inner products with random
                      vectors, whose element i is (2 u - 1) * sqrt(3), u = Rng(k, T).uniform(i), for
                      k = 0, 1, ...: the root mean square of the products' differences estimates the
                      Frobenius norm of the gradients' difference
    bf16              the same model rounded to bf16: token_logprobs in float64 from the rounded
                      weights, and how far transformers' bf16 is from them
    training          20 steps in float32: settings, batches (indices of samples), what each step
                      gave, the norm of each parameter's whole change
"""

import copy
import json
import math
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from philox import uniform
from reference_loop import (backward, greedy, rounded, snapshot, token_logprobs, train,
                            update_norms)

SMALL = {"vocab_size": 97, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
         "num_attention_heads": 4, "max_position_embeddings": 128,
         "bos_token_id": 1, "eos_token_id": 2}
LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
    "attention_bias": False, "mlp_bias": False, "bos_token_id": 1, "eos_token_id": 2,
}
LLAMA3_SCALING = {"factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                  "original_max_position_embeddings": 32}
# Windows are shorter than samples and prompts; caps and clips are small enough to matter.
MODELS = {
    # What transformers 5 writes; fewer key heads than query heads; tied output matrix.
    "llama_tied_gqa": {
        **LLAMA, "vocab_size": 97, "hidden_size": 64, "intermediate_size": 96,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "head_dim": 16, "max_position_embeddings": 128, "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}, "dtype": "float32",
    },
    # What transformers 4 wrote, head_dim and key heads left out: as many as query heads.
    "llama_untied_mha": {
        **LLAMA, "vocab_size": 128, "hidden_size": 48, "intermediate_size": 130,
        "num_hidden_layers": 3, "num_attention_heads": 3, "max_position_embeddings": 128,
        "rms_norm_eps": 1e-6, "tie_word_embeddings": False, "rope_theta": 100000.0,
        "rope_scaling": None, "torch_dtype": "float32",
    },
    # Heads wider than hidden_size / heads, one key head for all.
    "llama_wide_heads": {
        **LLAMA, "vocab_size": 71, "hidden_size": 32, "intermediate_size": 56,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 1,
        "head_dim": 24, "max_position_embeddings": 128, "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False, "rope_theta": 500000.0, "torch_dtype": "bfloat16",
    },
    # Llama 3.1's rotary scaling as transformers 4 wrote it: some pairs kept, some stretched, some
    # between; all biases.
    "llama_scaled_rope": {
        **LLAMA, **SMALL, "attention_bias": True, "mlp_bias": True, "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5, "tie_word_embeddings": False, "rope_theta": 500.0,
        "rope_scaling": {"rope_type": "llama3", **LLAMA3_SCALING}, "torch_dtype": "float32",
    },
    # Linear scaling in transformers 5's style.
    "llama_linear_rope": {
        **LLAMA, **SMALL, "num_key_value_heads": 2, "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True, "dtype": "float32",
        "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1000.0},
    },
    "olmo_clipped": {
        **SMALL, "architectures": ["OlmoForCausalLM"], "model_type": "olmo", "hidden_act": "silu",
        "clip_qkv": 1.5, "tie_word_embeddings": False, "rope_theta": 10000.0,
        "attention_bias": False, "pad_token_id": 1, "torch_dtype": "float32",
    },
    "olmo_tied_gqa": {
        **SMALL, "architectures": ["OlmoForCausalLM"], "model_type": "olmo", "hidden_act": "silu",
        "clip_qkv": None, "num_key_value_heads": 2, "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "attention_bias": False, "pad_token_id": 1, "dtype": "float32",
    },
    "olmo2_untied": {
        **SMALL, "architectures": ["Olmo2ForCausalLM"], "model_type": "olmo2",
        "hidden_act": "silu", "num_key_value_heads": 2, "tie_word_embeddings": False,
        "rope_theta": 500000.0, "rope_scaling": None, "attention_bias": False,
        "pad_token_id": 1, "torch_dtype": "float32",  # rms_norm_eps left out
    },
    "olmo2_tied": {
        **SMALL, "architectures": ["Olmo2ForCausalLM"], "model_type": "olmo2",
        "hidden_act": "silu", "num_key_value_heads": 4, "rms_norm_eps": 1e-6,
        "tie_word_embeddings": True, "attention_bias": False, "pad_token_id": 1,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}, "dtype": "float32",
    },
    # Windows in the file and not in use, as Qwen2.5 was published.
    "qwen2_untied": {
        **SMALL, "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2",
        "hidden_act": "silu", "num_key_value_heads": 2, "rms_norm_eps": 1e-6,
        "tie_word_embeddings": False, "rope_theta": 1000000.0, "use_sliding_window": False,
        "sliding_window": 8, "max_window_layers": 1, "torch_dtype": "bfloat16",
    },
    "qwen2_tied_window": {
        **SMALL, "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2",
        "hidden_act": "silu", "num_key_value_heads": 2, "rms_norm_eps": 1e-6,
        "tie_word_embeddings": True, "use_sliding_window": True, "sliding_window": 6,
        "max_window_layers": 1, "layer_types": ["full_attention", "sliding_attention"],
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}, "dtype": "float32",
    },
    "qwen3_untied": {
        **SMALL, "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3",
        "hidden_act": "silu", "num_key_value_heads": 2, "head_dim": 24, "rms_norm_eps": 1e-6,
        "tie_word_embeddings": False, "rope_theta": 1000000.0, "rope_scaling": None,
        "attention_bias": False, "use_sliding_window": False, "sliding_window": None,
        "max_window_layers": 2, "torch_dtype": "bfloat16",
    },
    "qwen3_tied_window": {
        **SMALL, "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3",
        "hidden_act": "silu", "num_key_value_heads": 1, "head_dim": 16, "rms_norm_eps": 1e-6,
        "tie_word_embeddings": True, "attention_bias": True, "use_sliding_window": True,
        "sliding_window": 5, "max_window_layers": 1,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}, "dtype": "float32",
    },
    "mistral_window": {
        **SMALL, "architectures": ["MistralForCausalLM"], "model_type": "mistral",
        "hidden_act": "silu", "num_key_value_heads": 2, "rms_norm_eps": 1e-5,
        "sliding_window": 7, "tie_word_embeddings": False, "rope_theta": 10000.0,
        "torch_dtype": "bfloat16",
    },
    # Heads narrower than hidden_size / heads, no window, as later Mistrals are.
    "mistral_tied_narrow": {
        **SMALL, "architectures": ["MistralForCausalLM"], "model_type": "mistral",
        "hidden_act": "silu", "num_key_value_heads": 2, "head_dim": 12, "rms_norm_eps": 1e-5,
        "sliding_window": None, "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0}, "dtype": "float32",
    },
    # tie_word_embeddings and layer_types left out, as Gemma 2 was published.
    "gemma2_tied": {
        **SMALL, "architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2",
        "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh",
        "num_key_value_heads": 2, "head_dim": 16, "rms_norm_eps": 1e-6,
        "attn_logit_softcapping": 1.5, "final_logit_softcapping": 4.0,
        "query_pre_attn_scalar": 20, "sliding_window": 6, "rope_theta": 10000.0,
        "attention_bias": False, "pad_token_id": 0, "torch_dtype": "float32",
    },
    "gemma2_untied": {
        **SMALL, "num_hidden_layers": 3, "hidden_size": 48, "architectures": ["Gemma2ForCausalLM"],
        "model_type": "gemma2", "hidden_activation": "gelu_pytorch_tanh",
        "num_key_value_heads": 4, "head_dim": 20, "rms_norm_eps": 1e-6,
        "attn_logit_softcapping": None, "final_logit_softcapping": 3.0,
        "query_pre_attn_scalar": 12, "sliding_window": 9,
        "layer_types": ["full_attention", "sliding_attention", "full_attention"],
        "tie_word_embeddings": False, "attention_bias": False, "pad_token_id": 0,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}, "dtype": "float32",
    },
}
LENGTHS = [2, 33, 5, 17, 64, 9, 3, 24, 11, 40, 7, 13]
SETTINGS = {
    "num_steps": 20, "batch_size": 5, "learning_rate": 2e-3, "schedule": "cosine",
    "warmup_ratio": 0.12, "weight_decay": 0.1, "adam_betas": [0.9, 0.95], "adam_eps": 1e-8,
    "max_grad_norm": 1.0,
}
NUM_PROJECTIONS = 8
FOLDER = Path(__file__).resolve().parent


def random_weights(model, seed, norm_centre):
    for name, parameter in model.named_parameters():
        centred = uniform(seed, name, parameter.numel()) - np.float32(0.5)
        value = norm_centre + centred * 0.25 if "norm" in name else centred * 0.5
        parameter.data = torch.from_numpy(value).reshape(parameter.shape)


def norm_centre(config):
    return 0 if config["model_type"] == "gemma2" else 1


def build(config, seed, folder):
    """Through a config.json, so that reading it is transformers' own business."""
    (folder / "config.json").write_text(json.dumps(config))
    model = AutoModelForCausalLM.from_config(
        AutoConfig.from_pretrained(folder), dtype=torch.float32, attn_implementation="eager")
    random_weights(model, seed, np.float32(norm_centre(config)))
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
    def entry(name, value):
        flat = value.flatten()
        products = []
        for k in range(NUM_PROJECTIONS):
            vector = (2 * uniform(k, name, len(flat)).astype(np.float64) - 1) * math.sqrt(3)
            products.append(float(flat @ torch.from_numpy(vector)))
        return {"norm": float(flat.norm()), "projections": products}
    return {"loss": loss, "parameters": {name: entry(name, g) for name, g in gradient.items()}}


def last_token(model, token_ids):
    """Hidden state and logits of the last token."""
    with torch.no_grad():
        result = model(input_ids=torch.tensor([token_ids]), output_hidden_states=True)
    return result.hidden_states[-1][0, -1], result.logits[0, -1]


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
    config = MODELS[name]
    model = build(config, seed, folder)
    samples = make_samples(config["vocab_size"], seed)
    exact = copy.deepcopy(model).double()
    continued = []
    for sample in samples[1:4]:
        prompt = sample["token_ids"][:8]
        token_ids, margin = greedy(exact, prompt, 24)
        continued.append({"prompt": prompt, "token_ids": token_ids, "margin": margin})
    hidden, logits = zip(*(last_token(exact, s["token_ids"]) for s in samples))
    return {
        "config": config,
        "seed": seed,
        "norm_centre": norm_centre(config),
        "samples": samples,
        "token_logprobs": [token_logprobs(exact, s["token_ids"]) for s in samples],
        "last": {"hidden": list(hidden), "logits": list(logits)},
        "greedy": continued,
        "gradients": described(*gradients(exact, samples)),
        "bf16": bf16_part(model, samples),
        "training": training(model, samples),
    }


def main(names):
    torch.set_num_threads(1)
    for seed, name in enumerate(MODELS, start=1):
        if names and name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            values = rounded(reference(name, seed, Path(folder)))
        text = json.dumps(values, indent=None, separators=(",", ":")).replace('],"', '],\n"')
        (FOLDER / f"{name}.json").write_text(text + "\n")
        print(name, "margins", [round(g["margin"], 4) for g in values["greedy"]])


if __name__ == "__main__":
    main(sys.argv[1:])
