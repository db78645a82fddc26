#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sft {

// A pattern of Python's `re` (str pattern), run by PCRE2. What differs is translated:
// \s \S \d \w \W \b mean Python's Unicode classes (\s holds U+001C-1F and U+0085, and not U+180E),
// `$` matches at the end and before a final newline. Lookaround, lazy and greedy repetition, inline
// flags and back references are the same in both.
//
// A search that backtracks beyond a bound of steps and time finds nothing and warns, so that no
// text can hang the program. Immutable, safe to share between threads.
class PythonRegex {
 public:
  // Whether "." takes newlines, as under re.DOTALL.
  enum class Dot { kAll, kNotNewline };
  // Throws UsageError for a pattern that cannot be compiled.
  explicit PythonRegex(std::string_view pattern, Dot dot = Dot::kAll);
  ~PythonRegex();
  PythonRegex(PythonRegex&& other) noexcept;
  PythonRegex& operator=(PythonRegex&& other) noexcept;

  // Views into the text searched. groups[0] is the whole match; a group that took no part is none.
  struct Match {
    size_t begin = 0;
    size_t end = 0;
    std::vector<std::optional<std::string_view>> groups;
  };
  std::optional<Match> search(std::string_view text) const;
  // All matches that do not overlap, as re.finditer gives them.
  std::vector<Match> find_all(std::string_view text) const;
  // As re.sub: each match becomes `replacement`, in which \1 to \9 are the match's groups (a group
  // that took no part is empty) and all else is itself.
  std::string replace_all(std::string_view text, std::string_view replacement) const;

 private:
  struct Code;
  enum class EmptyAtStart { kAllowed, kRefused };
  std::optional<Match> search_from(std::string_view text, size_t start, EmptyAtStart empty) const;

  std::unique_ptr<Code> code_;
};

}  // namespace sft
