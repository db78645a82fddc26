"""Writes small.gguf and small_gguf.json with the gguf package: pip install gguf.

small.gguf has metadata of all types and a tensor of each type that sft reads, each with random
bits in its quants and its scales; small_gguf.json has what gguf.quants.dequantize makes of them.
"""

import json
import pathlib

import gguf
import numpy as np

FOLDER = pathlib.Path(__file__).parent
TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]
SHAPE = (2, 96)

rng = np.random.default_rng(1)
writer = gguf.GGUFWriter(str(FOLDER / "small.gguf"), "llama")
writer.add_uint8("test.uint8", 255)
writer.add_int8("test.int8", -128)
writer.add_uint16("test.uint16", 65535)
writer.add_int16("test.int16", -32768)
writer.add_uint32("test.uint32", 2**32 - 1)
writer.add_int32("test.int32", -(2**31))
writer.add_uint64("test.uint64", 2**63 - 1)
writer.add_int64("test.int64", -(2**63))
writer.add_float32("test.float32", 1e-5)
writer.add_float64("test.float64", 0.1)
writer.add_bool("test.bool", True)
writer.add_string("test.string", "caf\u00e9")
writer.add_array("test.strings", ["a", "", "\u4e2d"])
writer.add_array("test.integers", [1, -2, 3])
writer.add_array("test.numbers", [0.5, -1.5])
writer.add_array("test.bools", [True, False])

values = {}
for name in TYPES:
    kind = gguf.GGMLQuantizationType[name]
    block, block_bytes = gguf.GGML_QUANT_SIZES[kind]
    if name in ("F32", "F16", "BF16"):
        raw = gguf.quants.quantize(rng.standard_normal(SHAPE, dtype=np.float32), kind)
    else:
        raw = rng.integers(0, 256, (SHAPE[0], SHAPE[1] // block * block_bytes), dtype=np.uint8)
        # Scales and offsets (the first one or two halves of a block): finite, one subnormal.
        blocks = raw.reshape(-1, block_bytes)
        halves = 2 if name.endswith("_1") else 1
        scales = rng.standard_normal((len(blocks), halves)).astype(np.float16)
        scales[0, 0] = 3e-7
        blocks[:, : 2 * halves] = scales.view(np.uint8)
    is_plain = name in ("F32", "F16")
    writer.add_tensor(name.lower(), raw, raw_dtype=None if is_plain else kind)
    values[name] = gguf.quants.dequantize(raw, kind).astype(np.float32).ravel().tolist()
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
with open(FOLDER / "small_gguf.json", "w") as file:
    rows = [f'  "{name}": {json.dumps(v)}' for name, v in values.items()]
    file.write("{\n" + ",\n".join(rows) + "\n}\n")
