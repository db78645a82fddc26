#!/usr/bin/env python3
"""Random texts through `sft tokenize` and the reference packages: any difference is printed and
exits 1.

    fuzz_tokenizers.py [--characters 10000000] [--seed N] [--sft build/bin/sft] FILE...

FILE is a tokenizer.json (held against `tokenizers`), a sentencepiece model (`sentencepiece`) or a
file of tiktoken ranks (`tiktoken`); which, is told from its content. The texts hold every block of
Unicode, control characters, emoji sequences, mixed scripts, long runs of one character, words of the
vocabulary, text that spells special tokens, and white space of all kinds. Ids are compared, then
decoded texts of these ids, and of random ids.

    ~/.cache/sft/deps/reference/bin/python tests/reference/fuzz_tokenizers.py DIR/tokenizer.json
"""
import argparse
import base64
import gzip
import json
import pathlib
import random
import subprocess
import sys
import tempfile

BLOCK = 0x80
# All blocks, the assigned parts of the planes that have some more often.
STARTS = list(range(0, 0x3400, BLOCK)) * 4 + list(range(0x3400, 0x110000, 0x400)) + list(
    range(0xA000, 0xAC00, BLOCK)) * 4 + list(range(0x10000, 0x12000, BLOCK)) * 3 + list(
    range(0x1D000, 0x1FC00, BLOCK)) * 3 + list(range(0xF900, 0x10000, BLOCK)) * 6
SPACES = [" ", "  ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2003", "\u2028", "\u0085",
          "\u200b", "   ", "\u2581", "\u2581\u2581"]
EMOJI = ["\U0001F468\u200d\U0001F469\u200d\U0001F467", "\U0001F44D\U0001F3FD", "\U0001F1EF\U0001F1F5",
         "\u2764\ufe0f", "\U0001F3F4\U000E0067\U000E0062\U000E007F", "1\ufe0f\u20e3"]
WORDS = ("the of and don't we'll I'M harbour 12 3456 7.5 foo_bar() <s> </s> <unk> <|endoftext|> "
         "<|im_start|> [INST] <0x0A> <0xE3> \u6e2f\u306b\u306f \u8239\u304c \u041f\u0440\u0438\u0432\u0435\u0442 "
         "\uc548\ub155 \u0645\u0631\u062d\u0628\u0627 \u0928\u092e\u0938\u094d\u0924\u0947 e\u0301 "
         "\u304b\u3099 \uff21\uff11 \ufb01 \u2460 \u00bd \ufffd").split(" ")


def random_text(rng, pieces):
    parts = []
    for _ in range(rng.randint(1, 40)):
        kind = rng.random()
        if kind < 0.25:
            start = rng.choice(STARTS)
            parts.append("".join(chr(rng.randrange(start, start + BLOCK))
                                 for _ in range(rng.randint(1, 8))))
        elif kind < 0.45:
            parts.append(rng.choice(SPACES) * rng.choice([1, 1, 1, 2, 30]))
        elif kind < 0.65:
            parts.append(rng.choice(WORDS))
        elif kind < 0.8:
            parts.append(rng.choice(pieces))
        elif kind < 0.85:
            parts.append(rng.choice(EMOJI))
        elif kind < 0.88:
            parts.append(chr(rng.choice(list(range(0x20)) + [0x7F, 0xAD, 0xFEFF])))
        elif kind < 0.9:
            parts.append(rng.choice("a.- 0\u3042\u200d\u0301\n\U0001F600") * rng.randint(1, 300))
        else:
            parts.append("".join(rng.choice("abcdefghijklmnopqrstuvwxyzABC0123456789 .,'")
                                 for _ in range(rng.randint(1, 20))))
    # Surrogates are no text.
    return "".join(parts).encode("utf-8", "replace").decode()


class JsonReference:
    def __init__(self, path):
        import tokenizers
        self.tokenizer = tokenizers.Tokenizer.from_file(str(path))
        self.pieces = list(self.tokenizer.get_vocab())
        self.num_ids = max(self.tokenizer.get_vocab().values()) + 1
        self.has_all_ids = len(set(self.tokenizer.get_vocab().values())) == self.num_ids

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=False)


class SentencePieceReference:
    def __init__(self, path):
        import sentencepiece
        self.model = sentencepiece.SentencePieceProcessor(str(path))
        self.pieces = [self.model.id_to_piece(i).replace("\u2581", " ") for i in range(len(self.model))]
        self.num_ids = len(self.model)

    def encode(self, text):
        return self.model.encode(text)

    def decode(self, ids):
        # Control pieces are nothing in the package's text, and their name in ours.
        return None if any(map(self.model.is_control, ids)) else self.model.decode(ids)


class TiktokenReference:
    PATTERNS = {
        1: r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+",
        3: r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
           r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"}

    def __init__(self, path):
        import tiktoken
        ranks = {}
        for line in path.read_bytes().splitlines():
            token, rank = line.split()
            ranks[base64.b64decode(token)] = int(rank)
        digits = max(len(token) for token in ranks if token.isdigit())
        self.encoding = tiktoken.Encoding("file", pat_str=self.PATTERNS[digits], mergeable_ranks=ranks,
                                          special_tokens={})
        # Qwen's own code normalises, by the Unicode version of its Python; here, by that of tokenizers.
        from tokenizers import normalizers
        self.normalize = normalizers.NFC().normalize_str if digits == 1 else str
        self.pieces = [token.decode("utf-8", "ignore") or "x" for token in ranks]
        self.num_ids = len(ranks)

    def encode(self, text):
        return self.encoding.encode_ordinary(self.normalize(text))

    def decode(self, ids):
        return self.encoding.decode(ids)


def reference_of(path):
    head = path.read_bytes()[:100]
    if head.lstrip()[:1] == b"{":
        return JsonReference(path)
    return SentencePieceReference(path) if head[:1] == b"\n" else TiktokenReference(path)


def run_sft(sft, path, rows, decodes):
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "in.jsonl"), pathlib.Path(folder, "out.jsonl")
        with open(source, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        subprocess.run([sft, "tokenize", "--ckpt", str(path), "--input", str(source), "--output",
                        str(target)] + (["--decode"] if decodes else ["--no-special-tokens"]), check=True)
        with open(target, encoding="utf-8", newline="\n") as lines:
            return [json.loads(line) for line in lines]


def differences(sft, path, reference, texts, rng):
    ids = [reference.encode(text) for text in texts]
    for text, row, expected in zip(texts, run_sft(sft, path, [{"text": t} for t in texts], False), ids):
        if row["ids"] != expected:
            yield "ids of %r\n  sft:       %s\n  reference: %s" % (text, row["ids"], expected)
    ids += [[rng.randrange(reference.num_ids) for _ in range(rng.randint(1, 30))]
            for _ in range(len(texts) // 4)]
    for row_ids, row in zip(ids, run_sft(sft, path, [{"ids": i} for i in ids], True)):
        expected = reference.decode(row_ids)
        if expected is not None and row["text"] != expected:
            yield "text of %s\n  sft:       %r\n  reference: %r" % (row_ids, row["text"], expected)


def fuzz(path, options):
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        if path.suffix == ".gz":
            plain = pathlib.Path(folder, "tokenizer.json")
            plain.write_bytes(gzip.decompress(path.read_bytes()))
            path = plain
        reference = reference_of(path)
        num_characters, num_texts, num_found = 0, 0, 0
        while num_characters < options.characters and num_found == 0:
            texts = [random_text(rng, reference.pieces) for _ in range(5000)]
            num_characters += sum(map(len, texts))
            num_texts += len(texts)
            for found in differences(options.sft, path, reference, texts, rng):
                num_found += 1
                if num_found <= options.shown:
                    print(found)
    return num_characters, num_texts, num_found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--characters", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shown", type=int, default=5, help="how many differences are printed")
    parser.add_argument("--sft", default=str(pathlib.Path(__file__).parents[2] / "build/bin/sft"))
    options = parser.parse_args()
    num_all = 0
    for path in options.files:
        num_characters, num_texts, num_found = fuzz(path, options)
        print("%s: %d characters in %d texts, %d differences" %
              (path.name, num_characters, num_texts, num_found), flush=True)
        num_all += num_found
    sys.exit(num_all > 0)


if __name__ == "__main__":
    main()
