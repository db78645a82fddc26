#pragma once

#include <string>
#include <string_view>

namespace sft {

// A name or a phrase as OpenCompass 0.3.9 compares it: cut at the first newline, '.' or ',',
// without punctuation and articles, blanks in one. It may be empty ("The", ".303").
std::string short_answer(std::string_view text);

// A name or a phrase as SQuAD and TriviaQA compare it: lower case, without ASCII punctuation and
// articles, blanks in one.
std::string normalized_alias(std::string_view text);

}  // namespace sft
