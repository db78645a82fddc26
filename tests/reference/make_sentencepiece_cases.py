#!/usr/bin/env python3
"""Writes tests/cases/sentencepiece: small tokenizers learned from tests/cases/tokenizer/training.txt
and texts with the ids and decoded texts that their reference packages give.

    ~/.cache/sft/deps/reference/bin/python tests/reference/make_sentencepiece_cases.py

unigram.json, char_bpe.json and metaspace.json are `tokenizers`' files, held against that package,
some of them under further normalizers and pre-tokenizers (a "spec" of members that replace the
file's own). *.model are sentencepiece's, held against that package. Each is small enough to read.
"""
import base64
import json
import pathlib
import random

import sentencepiece
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from make_tokenizer_cases import TEXTS, random_texts

TESTS = pathlib.Path(__file__).resolve().parents[1]
TRAINING = TESTS / "cases/tokenizer/training.txt"
FOLDER = TESTS / "cases/sentencepiece"
BYTES = ["<0x%02X>" % byte for byte in range(256)]
LETTER = "\u2581"
UGLY = [
    "<s> </s> <unk> <0x0A> <s>x</s>", "\u2581 \u2581\u2581a", " a  b ", "\u304c \u304b\u3099 \uff76\uff9e",
    "\ufb01 \u2460 \u00bd \u212b \uff21\u3000\uff22 \u0130 I\u0307 \u1e9e \u03a3", "a\u200db\u200c \u0301x e\u0301\u0323",
    "".join(chr(c) for c in range(1, 0x20)), "a" * 300, "\u3042" * 120, "\U0001F600" * 40, "\u0301" * 50,
]
# The rules of a small normalizer: what becomes of which characters, as code points.
RULES = "41\t61\n42\t62\nFF21\t41\n2460\t31\n65 301\tE9\n3000\t20\nAD\t\n"


def json_unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend(LETTER), normalizers.Replace(" ", LETTER)])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(LETTER, "merged_with_next")
    tokenizer.train([str(TRAINING)], trainers.UnigramTrainer(
        vocab_size=300, special_tokens=["<unk>", "<s>", "</s>"] + BYTES, unk_token="<unk>",
        show_progress=False))
    spec = json.loads(tokenizer.to_str())
    spec["model"]["byte_fallback"] = True
    spec["pre_tokenizer"] = None
    spec["added_tokens"] = [token for token in spec["added_tokens"] if token["content"] not in BYTES]
    spec["decoder"] = llama_decoder()
    return spec


def llama_decoder():
    return json.loads(decoders.Sequence([
        decoders.Replace(LETTER, " "), decoders.ByteFallback(), decoders.Fuse(),
        decoders.Strip(" ", 1, 0)]).__getstate__())


def json_bpe():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend(LETTER), normalizers.Replace(" ", LETTER)])
    tokenizer.train([str(TRAINING)], trainers.BpeTrainer(
        vocab_size=500, special_tokens=["<unk>", "<s>", "</s>"] + BYTES, show_progress=False,
        limit_alphabet=70, max_token_length=12))
    spec = json.loads(tokenizer.to_str())
    spec["added_tokens"] = [token for token in spec["added_tokens"] if token["content"] not in BYTES]
    spec["decoder"] = llama_decoder()
    return spec


def metaspace(**changes):
    return dict({"type": "Metaspace", "replacement": LETTER, "prepend_scheme": "always", "split": True},
                **changes)


def replace(pattern, content, kind="String"):
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def normalizer_sequence(*steps):
    return {"type": "Sequence", "normalizers": list(steps)}


def fields(message):
    """(number, bytes or None) of each field of a protobuf message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        tag = varint()
        size = {0: 0, 1: 8, 5: 4}.get(tag & 7)
        if tag & 7 == 0:
            varint()
        elif size is None:
            size = varint()
        yield tag >> 3, message[at:at + size]
        at += size


def precompiled(model):
    """The normalizer of a sentencepiece model as tokenizer.json holds it."""
    normalizer_spec = dict(fields(model.read_bytes()))[3]
    charsmap = dict(fields(normalizer_spec))[2]
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()}


def json_variants():
    plain = {"normalizer": None, "decoder": {"type": "Metaspace", "replacement": LETTER,
                                             "prepend_scheme": "always", "split": True}}
    gemma = {"normalizer": replace(" ", LETTER), "decoder": {"type": "Sequence", "decoders": [
        replace(LETTER, " "), {"type": "ByteFallback"}, {"type": "Fuse"}]}}
    split = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    jp = {"normalizer": normalizer_sequence(replace(r"(?<!\n)^", LETTER, "Regex"),
                                            replace(" ", LETTER, "Regex")),
          "decoder": {"type": "Sequence", "decoders": [
              {"type": "ByteFallback"}, replace(LETTER, " ", "Regex"), {"type": "Fuse"},
              replace(r"(?<!\n)^ ", "", "Regex")]}}
    prepend = {"type": "Prepend", "prepend": LETTER}

    def forms(*names):
        return {"normalizer": normalizer_sequence(*({"type": name} for name in names), prepend,
                                                  replace(" ", LETTER))}

    return {
        "llama": {},
        "always": dict(plain, pre_tokenizer=metaspace()),
        "first": dict(plain, pre_tokenizer=metaspace(prepend_scheme="first", split=False)),
        "never": dict(plain, pre_tokenizer=metaspace(prepend_scheme="never"),
                      decoder=metaspace(prepend_scheme="never")),
        "gemma": dict(gemma, pre_tokenizer=split),
        "llm-jp": jp,
        "nfc": forms("NFC"), "nfd": forms("NFD"), "nfkc": forms("NFKC"), "nfkd": forms("NFKD"),
        "lower": forms("Lowercase"),
        "precompiled": {"normalizer": normalizer_sequence(
            precompiled(FOLDER / "plain_unigram.model"), prepend, replace(" ", LETTER))},
        "strip": {"normalizer": normalizer_sequence(
            {"type": "Strip", "strip_left": True, "strip_right": True}, prepend, replace(" ", LETTER))},
        "words": dict(plain, pre_tokenizer={"type": "Sequence", "pretokenizers": [
            {"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Isolated"},
            {"type": "Digits", "individual_digits": True}, metaspace()]}),
        "whitespace": dict(plain, pre_tokenizer={"type": "Sequence", "pretokenizers": [
            {"type": "Whitespace"}, metaspace(prepend_scheme="first")]}),
    }


def write_json_cases(name, spec, out, texts):
    (FOLDER / name).write_text(json.dumps(spec, ensure_ascii=False, separators=(",", ":")) + "\n")
    for variant, changes in json_variants().items():
        tokenizer = Tokenizer.from_str(json.dumps(dict(spec, **changes)))
        out.write(json.dumps({"file": name, "variant": variant, "spec": changes}) + "\n")
        for text in texts:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            out.write(json.dumps({"text": text, "ids": ids, "decoded": tokenizer.decode(
                ids, skip_special_tokens=False)}) + "\n")
    rng = random.Random(3)
    out.write(json.dumps({"file": name, "variant": "random ids", "spec": {}}) + "\n")
    tokenizer = Tokenizer.from_str(json.dumps(spec))
    for _ in range(60):
        ids = [rng.randrange(rng.choice([270, 300])) for _ in range(rng.randint(1, 12))]
        out.write(json.dumps({"ids": ids, "decoded": tokenizer.decode(
            ids, skip_special_tokens=False)}) + "\n")


def write_model_cases(name, out, texts, **options):
    prefix = FOLDER / name
    sentencepiece.SentencePieceTrainer.train(
        input=str(TRAINING), model_prefix=str(prefix), hard_vocab_limit=False, minloglevel=2,
        num_threads=1, **options)
    prefix.with_suffix(".vocab").unlink()
    model = sentencepiece.SentencePieceProcessor(str(prefix.with_suffix(".model")))
    out.write(json.dumps({"file": name + ".model"}) + "\n")
    for text in texts:
        ids = model.encode(text)
        out.write(json.dumps({"text": text, "ids": ids, "decoded": model.decode(ids)}) + "\n")
    rng = random.Random(3)
    for _ in range(60):
        ids = [rng.randrange(3, rng.choice([250, len(model)])) for _ in range(rng.randint(1, 12))]
        ids = [i for i in ids if not model.is_control(i)]  # nothing there, their names with us
        out.write(json.dumps({"ids": ids, "decoded": model.decode(ids)}) + "\n")


def main():
    FOLDER.mkdir(exist_ok=True)
    rules = FOLDER / "rules.tsv"
    rules.write_text(RULES)
    texts = [text.encode("utf-8", "replace").decode()
             for text in TEXTS + UGLY + list(random_texts(random.Random(11), 20))]
    with open(FOLDER / "cases.jsonl", "w") as out:
        llama = dict(byte_fallback=True, normalization_rule_name="identity",
                     remove_extra_whitespaces=False, split_digits=True)
        write_model_cases("llama_bpe", out, texts, model_type="bpe", vocab_size=600, **llama)
        write_model_cases("jp_unigram", out, texts, model_type="unigram", vocab_size=600, **llama)
        write_model_cases("plain_unigram", out, texts, model_type="unigram", vocab_size=300,
                          normalization_rule_tsv=str(rules),
                          user_defined_symbols=["<sep>", "<sep><cls>", "  ", LETTER + "the"],
                          control_symbols=["<ctl>"])
        write_model_cases("plain_bpe", out, texts, model_type="bpe", vocab_size=300,
                          normalization_rule_tsv=str(rules), add_dummy_prefix=False,
                          user_defined_symbols=["<sep>", "harbour"], character_coverage=0.98)
        write_json_cases("unigram.json", json_unigram(), out, texts)
        write_json_cases("char_bpe.json", json_bpe(), out, texts)
    rules.unlink()


if __name__ == "__main__":
    main()
