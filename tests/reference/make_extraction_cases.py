#!/usr/bin/env python3
"""Writes tests/cases/extraction.jsonl and tests/cases/python_characters.json.

An implementation of the published rules of evaluation, on Python's own re, str, int and float,
written apart from the program's: what these rules mean is what Python does with them. The texts are
our own, some put together at random from pieces that the rules look at.

    python3 tests/reference/make_extraction_cases.py
"""

import json
import random
import re
import sys
import unicodedata
from pathlib import Path

CASES = Path(__file__).resolve().parent.parent / "cases"

# first_option's patterns, spelled once more; X is a group of one option, [O] the bare class.
FIRST_OPTION = [
    r"答案是?\s*X", r"答案是?\s*：\s*X", r"答案是?\s*:\s*X", r"答案选项应?该?是\s*X",
    r"答案选项应?该?为\s*X", r"答案应该?是\s*X", r"答案应该?选\s*X", r"答案选项为?\s*：\s*X",
    r"答案选项为?\s+\(?\*?\*?X\*?\*?\)?", r"答案选项是?\s*:\s*X", r"答案为\s*X", r"答案选\s*X",
    r"选择?\s*X", r"故选?\s*X只有选?项?\s?X\s?是?对", r"只有选?项?\s?X\s?是?错",
    r"只有选?项?\s?X\s?不?正确", r"只有选?项?\s?X\s?错误", r"说法不?对选?项?的?是\s?X",
    r"说法不?正确选?项?的?是\s?X", r"说法错误选?项?的?是\s?X", r"X\s?是正确的", r"X\s?是正确答案",
    r"选项\s?X\s?正确", r"所以答\s?X", r"所以\s?([O][.。$]?$)", r"所有\s?([O][.。$]?$)",
    r"[\s，：:,]X[。，,\.]?$", r"[\s，,：:][故即]X[。\.]?$", r"[\s，,：:]因此X[。\.]?$",
    r"[是为。]\s?X[。\.]?$", r"因此\s?X[。\.]?$", r"显然\s?X[。\.]?$", r"答案是\s?(\S+)(?:。|$)",
    r"答案应该是\s?(\S+)(?:。|$)", r"答案为\s?(\S+)(?:。|$)", r"(?i)ANSWER\s*:\s*X",
    r"[Tt]he answer is:?\s+\(?X\)?", r"[Tt]he answer is:?\s+\(?\*?\*?X\*?\*?\)?",
    r"[Tt]he answer is option:?\s+\(?X\)?", r"[Tt]he correct answer is:?\s+\(?X\)?",
    r"[Tt]he correct answer is option:?\s+\(?X\)?", r"[Tt]he correct answer is:?.*?boxed{X}",
    r"[Tt]he correct option is:?.*?boxed{X}", r"[Tt]he correct answer option is:?.*?boxed{X}",
    r"[Tt]he answer to the question is:?\s+\(?X\)?", r"^选项\s?X", r"^X\s?选?项",
    r"(\s|^)[O][\s。，,：:\.$]", r"1.\s?(.*?)$", r"1.\s?X[.。$]?$", r"X:", r"X",
]


def first_option(text, options):
    for shape in FIRST_OPTION:
        pattern = shape.replace("X", "([O])").replace("[O]", "[" + options + "]")
        text = text.strip()
        match = re.search(pattern, text, re.DOTALL)
        if match:
            out = match.group(1) if match.group(1) else match.group(0)
            for option in options:
                if option in out:
                    return option
    return ""


def first_capital(text):
    for character in text:
        if character.isupper():
            return character
    return ""


def gsm8k_number(text):
    numbers = re.findall(r"\-?\d+\.\d+|\-?\d+", text.split("Question:")[0])
    return numbers[-1] if numbers else "NULL"


def gsm8k_gold(text):
    parts = text.split("#### ")
    return parts[1].replace(",", "") if len(parts) > 1 else None


def gsm8k_equal(prediction, reference):
    try:
        return prediction == reference or abs(float(prediction) - int(reference)) < 1e-6
    except (ValueError, OverflowError):
        return False


OPTION_TEXTS = [
    "", " ", "B", " C.", "(D)", "**A**", "Answer: B", "answer: (C)", "The answer is B.",
    "The answer is: (C) because A is wrong", "the correct answer is \\boxed{D}, not A",
    "I think it's C, or A", "1. B", "1) the first\nis D", "11 apples", "Both. C", "C\n###Question: x",
    "C\n###Question: which?\n###Answer: B", "答案是C", "答案：D", "选B", "故选A只有B是对", "A选项",
    "所以B。", "显然 C", "因此D.", "说法错误的是 B", "no capital here", "ABCD", "DCBA", "D C B A",
    "A\u001cB", "\u0085C\u0085", "\u180eB", "B\u3000", "The answer is\u00a0C", "ANſWER: D",
    "B\n", "B\n\n", "x B\n", "x: B.\n", "x,\u2003B。", "Ｂ", "Ä B", "answer:\u001dB", "option A or B:",
    "it is B:", "A: because", "The correct option is: here \n\n boxed{C}", "答案是 好。 B 不对",
    "答案为B和C。", "2.5 is 1 of them", "100", "The answer to the question is (B)", "The answer is option C",
]
NUMBER_TEXTS = [
    "", "no number", "42", "It is 42.", "-7", "x-7", "5 - 3 = 2", "1,234", "$3.50 each", "3.", ".5",
    "1.2.3", "12..5", "a 007 b", "Question: 5", "7 Question: 8", "7 question: 8", "9###Question: 10",
    "\u0664\u0665", "\uff11\uff12.\uff15", "\U0001d7d6", "²", "1_000", "-0", "--4", "\u22125", "6\u20137",
    "\\boxed{18}", "10:30", "3 000", "1e5", "½", "100,000.50", "7\n8\n", "5%", "1/2",
]
EQUAL_PAIRS = [
    ("18", "18"), ("18.0", "18"), ("18.000001", "18"), ("18.0000001", "18"), ("-5", "5"), ("NULL", "7"),
    ("3.5", "3.5"), ("3.50", "3.5"), ("\uff11\uff12", "12"), ("012", "12"), ("12", "012"), ("12", " 12 "),
    ("12", "1_2"), ("12", "12."), ("12", "+12"), ("12", ""), ("", ""), ("-0", "0"), ("12", "1 2"),
    ("9" * 400, "9" * 400), ("1" + "0" * 30, "1" + "0" * 30), ("9" * 400, "7"), ("7", "9" * 400),
    ("12", "-12"), ("\u0661\u0662", "\u0661\u0662"), ("12", "\u0661\u0662"), ("12", "12\n"), ("12", "٣"),
]
GOLD_TEXTS = [
    "a\n#### 18", "#### 1,234,567", "#### 5 #### 6", "####5", "", "x #### -3 ", "#### ", "##### 7",
]
PIECES = [
    "A", "B", "C", "D", " ", " ", "\n", ".", ":", ",", "。", "：", "，", "(", ")", "**", "$", "1", "12", "3.5",
    "-", "The answer is", "the correct answer is", "boxed{B}", "Answer:", "答案", "答案是", "是", "选", "选项",
    "所以", "因此", "显然", "故", "只有", "正确", "错误", "的", "\u001e", "\u0085", "\u00a0", "###Question:",
    "Question:", "word", "é", "É", "\U0001d401", "ǅ", "Ⅳ", "ⓐ", "ª", "\u0662", "７", "####", "#### ",
]


def make_cases():
    draw = random.Random(20250101)
    mixed = ["".join(draw.choice(PIECES) for _ in range(draw.randint(1, 12))) for _ in range(700)]
    for i, text in enumerate(OPTION_TEXTS + mixed):
        options = "ABCD" if i % 4 else "AB"
        yield {"rule": "first_option", "options": options, "text": text,
               "expected": first_option(text, options)}
    for text in OPTION_TEXTS + mixed[:200]:
        yield {"rule": "first_capital", "text": text, "expected": first_capital(text)}
    for text in NUMBER_TEXTS + mixed[:400]:
        yield {"rule": "gsm8k_number", "text": text, "expected": gsm8k_number(text)}
    for text in GOLD_TEXTS + mixed[:100]:
        yield {"rule": "gsm8k_gold", "text": text, "expected": gsm8k_gold(text)}
    for prediction, reference in EQUAL_PAIRS:
        yield {"rule": "gsm8k_equal", "text": prediction, "reference": reference,
               "expected": gsm8k_equal(prediction, reference)}


def ranges(holds):
    found = []
    for code in range(sys.maxunicode + 1):
        if holds(chr(code)):
            if found and found[-1][1] == code - 1:
                found[-1][1] = code
            else:
                found.append([code, code])
    return found


def main():
    CASES.mkdir(exist_ok=True)
    with open(CASES / "extraction.jsonl", "w", encoding="utf-8") as file:
        for case in make_cases():
            file.write(json.dumps(case) + "\n")
    characters = {
        "unicode": unicodedata.unidata_version,
        "assigned": ranges(lambda c: unicodedata.category(c) not in ("Cn", "Cs")),
        "upper": ranges(str.isupper),
        "space": ranges(str.isspace),
        "decimal": ranges(str.isdecimal),
        "word": ranges(lambda c: re.match(r"\w", c) is not None),
    }
    with open(CASES / "python_characters.json", "w", encoding="utf-8") as file:
        json.dump(characters, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
