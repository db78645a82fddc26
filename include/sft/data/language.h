#pragma once

#include <string_view>

namespace sft {

// The language that a text looks like: by its letters where they tell (zh, ja, ko, ru, ar, he, el,
// hi, th), else by the most frequent small words of en, de, fr, es, it, pt, nl. "" where the text
// is too short or too mixed to say, as code and formulas are. A guess, good for finding what does
// not belong into a set, not for sorting texts.
std::string_view guess_language(std::string_view text);

}  // namespace sft
