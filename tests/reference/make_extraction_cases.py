#!/usr/bin/env python3
"""Writes extraction.jsonl, python_characters.json and python_lower.json into tests/cases.

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


def general(text):
    text = re.split(r"[\n.,]", text, maxsplit=1)[0]
    text = re.sub(r"[^\w\s]", "", text)
    text = re.sub(r"\b(a|an|the)\b", "", text, flags=re.IGNORECASE)
    return re.sub(r"\s+", " ", text).strip()


def nq_answer(text):
    line = text.strip().split("\n")[0].lower()
    return general(line.split("answer is")[-1] if "answer is" in line else line)


def nq_contains(text, references):
    return any(general(reference).lower() in nq_answer(text) for reference in references)


def last_boxed(text):
    start = text.rfind("\\boxed")
    if start < 0:
        start = text.rfind("\\fbox")
    if start < 0:
        return None
    depth = 0
    for i, character in enumerate(text[start:]):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "}" and depth == 0:
            box = text[start:start + i + 1]
            return box[7:-1] if box.startswith("\\boxed{") else None
    return None


def normalize(answer):
    pairs = [("an ", ""), ("a ", ""), (".$", "$"), ("\\$", ""), ("\\ ", ""), (" ", ""),
             ("mbox", "text"), (",\\text{and}", ","), ("\\text{and}", ","),
             ("\\text{m}", "\\text{}"), ("\\le", "<")]
    removed = ("square ways integers dollars mph inches ft hours km units \\ldots sue points feet "
               "minutes digits cents degrees cm gm pounds meters meals edges students "
               "childrentickets multiples \\text{s} \\text{.} \\text{@s} \\text{}^2 \\text{}^3 "
               "\\text{@} \\text{} \\mathrm{th} ^\\circ ^{\\circ} \\; ,\\! {,} \" \\dots @")
    for old, new in pairs:
        answer = answer.replace(old, new)
    for piece in removed.split(" ") + ["\r", "\f"]:
        answer = answer.replace(piece.replace("@", "\n"), "")
    for pattern in (r"(\\text\{)\((.*?)\)(\})", r"(\\text\{)(.*?)(\})", r"(\\textbf\{)(.*?)(\})",
                    r"(\\overline\{)(.*?)(\})", r"(\\boxed\{)(.*)(\})"):
        answer = re.sub(pattern, r"\2", answer)
    for pattern in (r"finalansweris(.*)", r"answer?is:?(.*)", r"oxed\{(.*?)\}", r"\$(.*?)\$"):
        found = re.findall(pattern, answer)
        answer = found[-1] if found else answer
    answer = answer.strip()
    if "rac" in answer and "\\frac" not in answer:
        answer = answer.replace("rac", "\\frac")
    answer = re.sub(r"(frac)([^{])(.)", r"frac{\2}{\3}", answer)
    answer = re.sub(r"(sqrt)([^{])", r"sqrt{\2}", answer).replace("$", "")
    return answer.replace(",", "") if answer.replace(",", "").isdigit() else answer


def fix_fractions(text):
    head, *tails = text.split("\\frac")
    for tail in tails:
        head += "\\frac"
        if tail.startswith("{"):
            head += tail
        elif len(tail) < 2:
            return text
        elif tail[1] == "{":
            head += "{" + tail[0] + "}" + tail[1:]
        else:
            head += "{" + tail[0] + "}{" + tail[1] + "}" + tail[2:]
    return head


def fix_slash(text):
    sides = text.split("/")
    if len(sides) != 2:
        return text
    above, below = int(sides[0]), int(sides[1])
    return f"\\frac{{{above}}}{{{below}}}" if text == f"{above}/{below}" else text


def strip_v2(text):
    text = text.strip().replace("\n", "").rstrip(".")
    for old, new in [("\\!", ""), ("\\ ", ""), ("\\\\", "\\"), ("\\\\", "\\"), ("tfrac", "frac"),
                     ("dfrac", "frac"), ("\\left", ""), ("\\right", "")]:
        text = text.replace(old, new)
    units = re.sub(r"\\text{.*?}$", "", text).strip()
    text = units if units else text
    for old in ["^{\\circ}", "^\\circ", "\\$", "$", "\\text", "x\\in", "\\%", "%"]:
        text = text.replace(old, "")
    text = text.replace(" .", " 0.").replace("{.", "{0.").replace("\\cdot", "")
    text = text.replace("infinity", "\\infty")
    if "\\infty" not in text:
        text = text.replace("inf", "\\infty")
    text = text.replace("+\\inity", "\\infty").replace("and", "").replace("\\mathbf", "")
    text = re.sub(r"\\mbox{.*?}", "", text)
    if "j" in text and "i" not in text:
        text = text.replace("j", "i")
    text = re.sub(r"(\d+)\.0+([^\d])", r"\1\2", text)
    text = re.sub(r"(\d+)\.0+$", r"\1", text)
    if not text:
        return text
    text = "0" + text if text[0] == "." else text
    sides = text.split("=")
    text = sides[1] if len(sides) == 2 and len(sides[0]) <= 2 else text
    return fix_slash(fix_fractions(re.sub(r"\\sqrt(\w+)", r"\\sqrt{\1}", text).replace(" ", "")))


def math_equal(answer, reference):
    try:
        one, other = strip_v2(answer), strip_v2(reference)
        if one == other or normalize(one) == normalize(other):
            return True
    except ValueError:
        pass
    return normalize(answer) == normalize(reference) or answer == reference


def math_answer(text):
    boxed = last_boxed(text)
    if boxed:
        outer = re.match(r"^\{(.*)\}$", boxed)
        boxed = outer.group(1) if outer else boxed
    if boxed:
        return boxed
    for sentence in text.split("."):
        if re.search("final answer|answer is", sentence.lower()):
            return normalize(sentence)
    return normalize(text.split(".")[0])


MBPP = [
    r"\[BEGIN\]\s*'(.*)'\s*\[DONE\]", r"BEGIN\s*'(.*)'\s*\[DONE\]", r"\[BEGIN\]\s*'(.*)'\s*DONE",
    r"BEGIN\s*'(.*)'\s*DONE", r"\[BEGIN\]\s*'(.*)\s*\[DONE\]", r"BEGIN\s*'(.*)\s*\[DONE\]",
    r"\[BEGIN\]\s*'(.*)\s*DONE", r"BEGIN\s*'(.*)\s*DONE", r"\[BEGIN\]\s*(.*)\s*\[DONE\]",
    r"BEGIN\s*(.*)\s*\[DONE\]", r"\[BEGIN\]\s*(.*)\s*DONE", r"BEGIN\s*(.*)\s*DONE",
    r"```python\s*(.*)\s*```", r"```\s*(.*)\s*```", r"```python\s*(.*)\s*$", r"```\s*(.*)\s*$",
    r"(.*)\s*```.*", r"\[BEGIN\]\s*'(.*)", r"\[BEGIN\](.*)", r"'(.*)'\s*\[DONE\]",
]


def mbpp_code(text):
    for pattern in MBPP:
        match = re.search(pattern, text, re.DOTALL)
        if match:
            text = match.group(1)
            break
    text = re.split(r"'?\s*\[?DONE\]?", text.split("```")[0])[0]
    return text.replace("\\_", "_").strip()


def fenced_code(text):
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    return blocks[0] if blocks else text


MATH_PIECES = [
    "1", "2", "12", "3.50", "0.5", ".5", "1,000", "x", "y", "=", "+", "-", "/", " ", " ", "\n", ".", ",", "$",
    "\\$", "\\%", "%", "\\frac", "\\dfrac", "\\frac{1}{2}", "frac12", "\\sqrt", "\\sqrt{2}", "sqrt3",
    "{", "}", "(", ")", "\\boxed{", "\\fbox{3}", "\\boxed", "\\text{ cm}", "\\text{s}", "\\text{(C)}",
    "\\mbox{ in}", "\\text{and}", "^\\circ", "^{\\circ}", "\\left(", "\\right)", "\\le", "\\cdot",
    "\\pi", "\\infty", "infinity", "inf", "j", "i", "and", "an ", "a ", "data ", "dollars", "meters",
    "the answer is ", "The Final Answer: ", "answer is: ", "\\\\", "\\!", "\\ ", ",\\!", "{,}", "\\mathbf",
    "x\\in", "²", "\u0661", "\uff12", "\"", "\r", "\\overline{3}", "\\textbf{4}", "oxed{5}", "\u0130", "\\{",
]
NAME_PIECES = [
    "A", "a ", "The ", "the", "an ", " ", " ", "\n", ".", ",", ":", "-", "'", "answer is ", "The Answer is ",
    "Paris", "U.S.", "1,000", ".303", "***", "É", "ΟΔΟΣ", "İ", "\u0301", "\u00a0", "\u000b", "\r", "_", "½",
    "Q: ", "A: ", "of", "no. 5", "ªb", "\U0001d401", "ß",
]
CODE_PIECES = [
    "[BEGIN]", "BEGIN", "[DONE]", "DONE", "'", "'", " ", "\n", "\r\n", "```", "```python\n", "```py\n",
    "def f(x):\n    return x\n", "assert f(1) == 1", "\\_", "x = 'a'", "IS_DONE", "`", "~~~", "é", "\u2028",
]
LOWER_PIECES = [
    "Σ", "Σ", "Α", "ο", "A", "b", "'", ".", ":", "\u0301", "\u00ad", " ", "1", "İ", "ǅ", "ⓐ", "ª", "Ⅳ", "\u02b0",
    "^", "-", "\u2019", "ẞ", "Ａ", "\U00010400", "ʼ", "\u0345",
]


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
    def mixed_from(pieces, count, most):
        return ["".join(draw.choice(pieces) for _ in range(draw.randint(1, most)))
                for _ in range(count)]

    for text in mixed_from(MATH_PIECES, 500, 9):
        yield {"rule": "math_answer", "text": text, "expected": math_answer(text)}
    answers = mixed_from(MATH_PIECES, 900, 4)
    for answer, reference in zip(answers[::2], answers[1::2]):
        close = draw.choice([reference, normalize(answer), answer.replace(" ", ""), "$" + answer + "$"])
        yield {"rule": "math_equal", "text": answer, "reference": close,
               "expected": math_equal(answer, close)}
    for text in mixed_from(NAME_PIECES, 400, 7):
        yield {"rule": "nq_answer", "text": text, "expected": nq_answer(text)}
        references = mixed_from(NAME_PIECES, draw.randint(1, 3), 2)
        yield {"rule": "nq_contains", "text": text, "references": references,
               "expected": nq_contains(text, references)}
    for text in mixed_from(CODE_PIECES, 400, 9):
        yield {"rule": "mbpp_code", "text": text, "expected": mbpp_code(text)}
        yield {"rule": "fenced_code", "text": text, "expected": fenced_code(text)}
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
        "digit": ranges(str.isdigit),
        "word": ranges(lambda c: re.match(r"\w", c) is not None),
    }
    with open(CASES / "python_characters.json", "w", encoding="utf-8") as file:
        json.dump(characters, file, separators=(",", ":"))
        file.write("\n")
    draw = random.Random(3)
    texts = ["".join(draw.choice(LOWER_PIECES) for _ in range(draw.randint(1, 6))) for _ in range(1500)]
    with open(CASES / "python_lower.json", "w", encoding="utf-8") as file:
        json.dump({text: text.lower() for text in texts}, file, ensure_ascii=False, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
