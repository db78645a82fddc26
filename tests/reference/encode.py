#!/usr/bin/env python3
"""Writes encode.json: which tokens of real samples are trained on, by the tokenizers package and,
for LLM-jp's tokenizer, by sentencepiece.

An implementation of its own of the documentation's "one rule": a conversation is one text,
tokenized once; a token that holds a byte of a response (or of the spaces before it) is a target; the
end token's id follows each response. The tokens' untrimmed bytes are told by their strings, so only
texts that NFC leaves as they are can be followed; others are left out here and in the test.

    pip install tokenizers sentencepiece
    python3 tests/reference/encode.py ../shared/data > tests/reference/encode.json
"""

import gzip
import hashlib
import json
import pathlib
import sys
import unicodedata

import sentencepiece
import tokenizers

QUESTION, ANSWER, SEPARATOR = "###Question: ", "\n###Answer:", "\n"


def byte_of_character():
    """GPT-2's alphabet: printable bytes stand for themselves, the others for 256, 257, ..."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(byte): byte for byte in printable}
    others = [byte for byte in range(256) if byte not in printable]
    table.update({chr(256 + i): byte for i, byte in enumerate(others)})
    return table


BYTES = byte_of_character()


def mark(pieces, spans, end_token):
    """Ids and flags of `pieces`, pairs of an id and the text's byte at which it ends."""
    ids, flags, at, turn = [], [], 0, 0
    for token, next_at in pieces:
        while turn < len(spans) and at >= spans[turn][1]:
            ids, flags, turn = ids + [end_token], flags + [1], turn + 1
        begin, at = at, next_at
        ids.append(token)
        flags.append(int(any(begin < end and at > start for start, end in spans)))
    missing = len(spans) - turn
    return ids + [end_token] * missing, flags + [1] * missing


def lay_out(turns):
    text, spans = b"", []
    for instruction, response in turns:
        text += SEPARATOR.encode() if spans else b""
        text += (QUESTION + instruction + ANSWER).encode()
        begin = len(text)
        text += (" " + response).encode()
        spans.append((begin, len(text)))
    return text, spans


class Encoder:
    def __init__(self, text, end_token):
        self.tokenizer = tokenizers.Tokenizer.from_str(text)
        self.end = self.tokenizer.token_to_id(end_token)
        added = json.loads(text)["added_tokens"]
        self.added = {token["id"]: len(token["content"].encode()) for token in added}

    def encode(self, turns):
        text, spans = lay_out(turns)
        tokens = self.tokenizer.encode(text.decode(), add_special_tokens=False)
        pieces, at = [], 0
        for token, string in zip(tokens.ids, tokens.tokens):
            at += self.added.get(token, sum(1 for c in string if c in BYTES))
            pieces.append((token, at))
        assert at == len(text), (at, len(text))
        return mark(pieces, spans, self.end)


class SentencePieceEncoder:
    """With BOS in front, as LLM-jp's tokenizer_config.json has it. The model changes no character of
    a text and puts a space of its own in front; a piece is its text, or one byte."""

    def __init__(self, path):
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def encode(self, turns):
        text, spans = lay_out(turns)
        pieces, at = [(self.processor.bos_id(), 0)], -len(" ")
        for token in self.processor.encode(text.decode()):
            piece = self.processor.id_to_piece(token)
            is_byte = self.processor.is_byte(token)
            at += 1 if is_byte else len(piece.replace("\u2581", " ").encode())
            pieces.append((token, max(at, 0)))
        assert at == len(text), (at, len(text))
        return mark(pieces, spans, self.processor.eos_id())


def rows(path, count):
    for row in json.loads(path.read_text("utf-8"))[:count]:
        instruction = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
        turns = [tuple(pair) for pair in row.get("history") or []] + [(instruction, row["output"])]
        text = "".join(part for turn in turns for part in turn)
        if unicodedata.is_normalized("NFC", text):
            yield turns


def digest(ids, flags):
    line = " ".join(f"{token}{'*' if flag else ''}" for token, flag in zip(ids, flags))
    return hashlib.sha256(line.encode()).hexdigest()[:12]


def main():
    data = pathlib.Path(sys.argv[1])
    kinds = {
        "olmo": Encoder(
            (data / "tokenizers/olmo/allenai_gpt-neox-olmo-dolma-v1_5.json").read_text("utf-8"),
            "<|endoftext|>",
        ),
        "qwen": Encoder(
            gzip.open(data / "tokenizers/qwen/qwen3_tokenizer.json.gz", "rt", encoding="utf-8").read(),
            "<|endoftext|>",
        ),
        "llm-jp": SentencePieceEncoder(
            data / "tokenizers/llm-jp/llm-jp-tokenizer-100k.ver3.0b1.model"),
    }
    sets = {"alpaca_small_2000.json": 1000, "lima_1029.json": 1029}
    result = {}
    for kind, encoder in kinds.items():
        for name, count in sets.items():
            encoded = [encoder.encode(turns) for turns in rows(data / "sft" / name, count)]
            result[f"{kind} {name}"] = {
                "samples": len(encoded),
                "tokens": sum(len(ids) for ids, _ in encoded),
                "targets": sum(sum(flags) for _, flags in encoded),
                "digests": [digest(ids, flags) for ids, flags in encoded],
            }
    json.dump(result, sys.stdout, indent=0)
    print()


if __name__ == "__main__":
    main()
