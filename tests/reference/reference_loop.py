"""What sft computes, written with transformers and PyTorch alone: one sample a forward pass.

A sample is {"token_ids": [...], "num_prompt": n}: all tokens after the first n are targets.
"""

import math

import torch


def token_logprobs(model, token_ids):
    """Of tokens 1, 2, ... given all before them; natural logarithms, float64."""
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([token_ids])).logits[0, :-1].double()
    chosen = torch.tensor(token_ids[1:]).unsqueeze(1)
    return torch.log_softmax(logits, dim=-1).gather(1, chosen).squeeze(1)


def greedy(model, prompt, num_new):
    """The tokens and the smallest lead of a chosen token's logit over the second best."""
    token_ids, margins = list(prompt), []
    with torch.no_grad():
        for _ in range(num_new):
            logits = model(input_ids=torch.tensor([token_ids])).logits[0, -1].double()
            best = torch.topk(logits, 2)
            margins.append(float(best.values[0] - best.values[1]))
            token_ids.append(int(best.indices[0]))
    return token_ids[len(prompt):], min(margins)


def backward(model, samples):
    """Gradients of the mean loss over all targets of `samples`; returns that loss."""
    num_targets = sum(len(s["token_ids"]) - s["num_prompt"] for s in samples)
    total = 0.0
    for sample in samples:
        token_ids = torch.tensor(sample["token_ids"])
        first = sample["num_prompt"]
        logits = model(input_ids=token_ids.unsqueeze(0)).logits[0, first - 1:-1]
        if logits.dtype == torch.bfloat16:
            logits = logits.float()
        loss = torch.nn.functional.cross_entropy(logits, token_ids[first:], reduction="sum")
        (loss / num_targets).backward()
        total += loss.item()
    return total / num_targets


def is_decayed(name):
    """Weight decay is for matrices: neither norms nor biases."""
    return "norm" not in name and not name.endswith("bias")


def learning_rate(settings, step):
    """transformers' schedules, for step = 0, 1, ..."""
    rate, num_steps = settings["learning_rate"], settings["num_steps"]
    warmup = math.ceil(settings["warmup_ratio"] * num_steps)
    if step < warmup:
        return rate * step / warmup
    if settings["schedule"] == "constant":
        return rate
    if settings["schedule"] == "linear":
        return rate * (num_steps - step) / (num_steps - warmup)
    return rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (num_steps - warmup)))


def train(model, batches, settings):
    """One optimizer step for each of `batches`; yields loss, learning_rate and grad_norm.

    learning_rate is of the whole schedule of settings["num_steps"], which may be longer.
    """
    parameters = list(model.named_parameters())
    optimizer = torch.optim.AdamW(
        [{"params": [p for n, p in parameters if is_decayed(n)],
          "weight_decay": settings["weight_decay"]},
         {"params": [p for n, p in parameters if not is_decayed(n)], "weight_decay": 0.0}],
        lr=settings["learning_rate"], betas=tuple(settings["adam_betas"]), eps=settings["adam_eps"])
    for step, batch in enumerate(batches):
        rate = learning_rate(settings, step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss = backward(model, batch)
        limit = settings["max_grad_norm"] or math.inf
        norm = torch.nn.utils.clip_grad_norm_([p for _, p in parameters], limit)
        optimizer.step()
        yield {"loss": loss, "learning_rate": rate, "grad_norm": norm.item()}


def snapshot(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def update_norms(model, before):
    """Frobenius norm of the change of each parameter since `before`."""
    return {name: float(torch.linalg.vector_norm((p.detach() - before[name]).double()))
            for name, p in model.named_parameters()}


def rounded(values, digits=9):
    """Nine significant digits hold a float32, and keep the committed files small."""
    if isinstance(values, dict):
        return {key: rounded(value, digits) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [rounded(value, digits) for value in values]
    if isinstance(values, torch.Tensor):
        return rounded(values.tolist(), digits)
    return float(f"{values:.{digits}g}") if isinstance(values, float) else values
