"""Prints the identity of a model's weights, as sft defines it, of a safetensors file.

SHA-256 over "{name}\\n{dtype}\\n{sizes with commas}\\n" and the bytes of each tensor, by name.
Of the file that smollm2_folder.py makes from SmolLM2-135M-Instruct.Q4_1.gguf, this is the value in
tests/model/gguf_import_real_test.cc; with a second argument bf16, of its weights rounded to bf16.

    python tests/reference/weights_sha256.py DIR/model.safetensors [bf16]
"""

import hashlib
import sys

import torch
from safetensors import safe_open

NAMES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}


def main(path, rounding=None):
    sha = hashlib.sha256()
    with safe_open(path, "pt") as file:
        for name in sorted(file.keys()):
            tensor = file.get_tensor(name)
            if rounding == "bf16":
                tensor = tensor.to(torch.bfloat16)
            sizes = ",".join(map(str, tensor.shape))
            sha.update(f"{name}\n{NAMES[tensor.dtype]}\n{sizes}\n".encode())
            sha.update(tensor.contiguous().view(torch.uint8).numpy().tobytes())
    print(sha.hexdigest())


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
