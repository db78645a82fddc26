#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sft {

// How OpenCompass 0.3.9 reads and compares answers of MATH: text by text, whatever it means.
// Scores that were published by it can be compared with no other reading's. For a reading that
// knows what answers mean see math_equivalence.h.

// The inside of the last \boxed{...} of a text, braces counted. None where there is none (a last
// \fbox, or a \boxed without a brace, counts as none), or where it never ends.
std::optional<std::string> last_boxed(std::string_view text);

// The rule's normal form of an answer: units, articles and layout deleted wherever they stand.
std::string normalize_math_answer(std::string_view answer);

// The other normal form that answers are compared in, of version 2 of the rule; none where Python
// raises an exception (a single '/' between what are no whole numbers).
std::optional<std::string> strip_math_answer(std::string_view answer);

// Whether an answer counts as equal to the reference, by version 2 of the rule (which the study
// used) and by version 1.
bool is_math_answer_equal(std::string_view answer, std::string_view reference);
bool is_math_answer_equal_v1(std::string_view answer, std::string_view reference);

}  // namespace sft
