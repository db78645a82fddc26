#!/usr/bin/env python3
"""Writes tests/cases/tokenizer: a small byte-level BPE tokenizer and texts with the ids, ends and
decoded text that the `tokenizers` package gives, under each kind of pre-tokenizer, normalizer,
added token and post-processor that we read.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install tokenizers==0.23.3
    /tmp/venv/bin/python tests/reference/make_tokenizer_cases.py tests/cases/tokenizer

training.txt is our own text; bpe_trainer_test.cc learns the same vocabulary from it.
"""
import json
import pathlib
import random
import sys

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

VOCAB_SIZE = 1100
GPT2 = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
PLAIN = dict(GPT2, use_regex=False)
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
NFC = {"type": "NFC"}
BOS = {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}
TEXT = {"Sequence": {"id": "A", "type_id": 0}}
WITH_BOS = {
    "type": "TemplateProcessing", "single": [BOS, TEXT], "pair": [TEXT, TEXT],
    "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0],
                                         "tokens": ["<|endoftext|>"]}}}


def split(regex, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": behavior, "invert": invert}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def added(content, **flags):
    token = dict(content=content, single_word=False, lstrip=False, rstrip=False, normalized=False,
                 special=False)
    return dict(token, **flags)


TOKENS = [
    added("<|im_start|>", special=True), added("<mask>", special=True, lstrip=True),
    added("[END]", special=True, rstrip=True), added("   ", normalized=True),
    added("cat", single_word=True), added("caf\u00e9", normalized=True),
    added("[A]"), added("[A][B]"),
]
# name -> what differs from the trained tokenizer
VARIANTS = {
    "gpt2": {},
    "olmo": {"normalizer": NFC, "added_tokens": TOKENS},
    "smollm": {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": True}, GPT2)},
    "qwen2": {"pre_tokenizer": sequence(split(QWEN2), PLAIN), "normalizer": NFC},
    "llama3": {"pre_tokenizer": sequence(split(LLAMA3), PLAIN), "post_processor": WITH_BOS,
               "ignore_merges": True},
    "prefix_space": {"pre_tokenizer": dict(GPT2, add_prefix_space=True), "added_tokens": TOKENS},
    "digit_runs": {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": False}, PLAIN)},
    "unknown_regex": {"pre_tokenizer": sequence(split(r"[\p{Lu}\p{Lo}]?\p{Ll}*|\s+(?=\S)"), PLAIN)},
    "removed": {"pre_tokenizer": sequence(split(r"\s", "Removed"), PLAIN)},
    "previous": {"pre_tokenizer": sequence(split(r"[aeiou]", "MergedWithPrevious"), PLAIN)},
    "next": {"pre_tokenizer": sequence(split(r"[\p{P}\s]", "MergedWithNext"), PLAIN)},
    "contiguous": {"pre_tokenizer": sequence(split(r"\p{L}", "Contiguous", True), PLAIN)},
}
TEXTS = [
    "", " ", "\n", "Hello, world!", "The harbour isn't quiet; we'll go at 9:45.",
    "I'm YOU'RE we'Ve they'LL 's 'S '\u017f d'x", "  two   spaces\t\ttabs\n\n\n lines \r\nend  ",
    "12 345 6789012 3.14 \u0663\u0664 \uff12\uff13 \u2167 \u00bd",
    "def total(prices):\n    return sum(prices)  # all\n\n\n",
    "\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u306b\u306f\u7a7a\u767d\u304c\u306a\u3044\u3002\u6c17\u6e29\u306f25\u5ea6\u3067\u3059\u3002",
    "\u304b\u3099\u304d\u3099 e\u0301 \u1e9b\u0323 q\u0323\u0307 q\u0307\u0323 \u1100\u1161\u11a8 \u212b \u0344",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd \U0001f1ef\U0001f1f5 \U0001f600",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \uc548\ub155 \u4f60\u597d\uff0c\u0645\u0631\u062d\u0628\u0627",
    "\x00\x01\x1c\x1f\x7f\x85\xa0\u180e\u2028\u3000\ufeff", "<|endoftext|> <|endoftext|>a",
    "a <|im_start|>b  <mask> c [END]   d[A][B][A]x", "cat concat cat, cats \u00e9cat \u732bcat",
    "caf\u00e9 cafe\u0301 cafe", "a     b   c", "a" * 70, " " * 70, "\n" * 50 + "x", "ab" * 60, "!" * 60,
]


def random_texts(rng, count):
    blocks = [(0x20, 0x7F), (0, 0x250), (0x300, 0x370), (0x3040, 0x3100), (0x4E00, 0x9FFF),
              (0, 0xD800), (0xE000, 0x110000)]
    words = ["the", " harbour", "'s", " ", "\n", "12", "\u6e2f\u306f", "<mask>", "cat", "  ", "[A]"]
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 12)):
            low, high = rng.choice(blocks)
            parts.append(rng.choice(words) if rng.random() < 0.6 else
                         "".join(chr(rng.randrange(low, high)) for _ in range(rng.randint(1, 4))))
        yield "".join(parts)


def train(text_file):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train([str(text_file)], trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return json.loads(tokenizer.to_str())


def changed(base, variant):
    spec = json.loads(json.dumps(base))
    for key, value in variant.items():
        if key == "ignore_merges":
            spec["model"][key] = value
        elif key == "added_tokens":
            next_id = VOCAB_SIZE
            for token in value:
                known = spec["model"]["vocab"].get(token["content"])
                spec[key].append(dict(id=next_id if known is None else known, **token))
                next_id += known is None
        else:
            spec[key] = value
    return spec


def ends_of(tokenizer, text, encoding):
    """Byte ends, for texts that nothing edits; a token inside a character ends with it."""
    begins = [0]
    for c in text:
        begins.append(begins[-1] + len(c.encode()))
    return [begins[end] for _, end in encoding.offsets]


def main():
    folder = pathlib.Path(sys.argv[1])
    base = train(folder / "training.txt")
    with open(folder / "tokenizer.json", "w") as out:
        json.dump(base, out, ensure_ascii=False, indent=1)
        out.write("\n")
    rng = random.Random(7)
    with open(folder / "cases.jsonl", "w") as out:
        for name, variant in VARIANTS.items():
            spec = changed(base, variant)
            tokenizer = Tokenizer.from_str(json.dumps(spec))
            out.write(json.dumps({"variant": name, "spec": {
                key: spec["model"][key] if key == "ignore_merges" else spec[key]
                for key in variant}}) + "\n")
            is_edited = spec["pre_tokenizer"].get("add_prefix_space", False)
            for text in TEXTS + list(random_texts(rng, 40)):
                text = text.encode("utf-8", "replace").decode()
                encoding = tokenizer.encode(text)
                case = {"text": text, "ids": encoding.ids,
                        "decoded": tokenizer.decode(encoding.ids, skip_special_tokens=False)}
                if not is_edited and normalizers.NFC().normalize_str(text) == text:
                    case["ends"] = ends_of(tokenizer, text, encoding)
                out.write(json.dumps(case) + "\n")


if __name__ == "__main__":
    main()
