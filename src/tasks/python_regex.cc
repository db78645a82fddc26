#include "sft/tasks/python_regex.h"

#include <array>
#include <chrono>
#include <cstdint>

#include <spdlog/spdlog.h>

#include "sft/core/error.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace sft {
namespace {

// Steps of backtracking from one starting position, memory for them, and time for a whole search.
// Rules of evaluation take some thousand steps on a usual answer.
constexpr uint32_t kMatchLimit = 2'000'000;
constexpr uint32_t kHeapLimitKib = 512 * 1024;
constexpr auto kTimeLimit = std::chrono::seconds(5);

// Members of Python's classes, to stand inside brackets.
constexpr std::string_view kSpace =
    R"(\x{09}-\x{0d}\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a})"
    R"(\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view kDigit = R"(\p{Nd})";
constexpr std::string_view kWord = R"(\p{L}\p{N}_)";

std::string_view class_members(char escape) {
  switch (escape) {
    case 's':
    case 'S':
      return kSpace;
    case 'd':
    case 'D':
      return kDigit;
    case 'w':
    case 'W':
      return kWord;
    default:
      return {};
  }
}

// What stands for the escape `\<letter>` of Python.
std::string translate_escape(char letter, bool is_in_class) {
  const std::string word(kWord);
  if (letter == 'b' && !is_in_class) {
    return "(?:(?<=[" + word + "])(?![" + word + "])|(?<![" + word + "])(?=[" + word + "]))";
  }
  std::string members(class_members(letter));
  if (members.empty()) {
    return std::string("\\") + letter;
  }
  const bool is_negated = letter == 'S' || letter == 'D' || letter == 'W';
  if (is_in_class) {
    if (is_negated) {
      throw UsageError(std::string("\\") + letter + " inside brackets is not supported");
    }
    return members;
  }
  return (is_negated ? "[^" : "[") + members + "]";
}

std::string translate(std::string_view pattern) {
  std::string result;
  bool is_in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      result += translate_escape(pattern[++i], is_in_class);
      continue;
    }
    if (pattern[i] == '[' && is_in_class) {
      result += "\\[";  // plain to Python; PCRE2 would look for [:name:]
      continue;
    }
    result += pattern[i];
    if (pattern[i] == '[') {
      is_in_class = true;
      // A bracket that opens a class's members is one of them.
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') {
        result += pattern[++i];
      }
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') {
        result += "\\]";
        ++i;
      }
    } else if (pattern[i] == ']') {
      is_in_class = false;
    }
  }
  // The callout is reached at every start that is tried, and there the time is looked at.
  return "(?C1)(?:" + result + ")";
}

using SteadyTime = std::chrono::steady_clock::time_point;

int stop_when_late(pcre2_callout_block* /*block*/, void* deadline) {
  return std::chrono::steady_clock::now() > *static_cast<const SteadyTime*>(deadline)
             ? PCRE2_ERROR_CALLOUT
             : 0;
}

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using CompileContext = std::unique_ptr<pcre2_compile_context, Freer<pcre2_compile_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Freer<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Freer<pcre2_match_data_free>>;

PCRE2_SPTR units(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

}  // namespace

struct PythonRegex::Code {
  std::unique_ptr<pcre2_code, Freer<pcre2_code_free>> compiled;
  std::string pattern;
};

PythonRegex::PythonRegex(std::string_view pattern, Dot dot) : code_(std::make_unique<Code>()) {
  code_->pattern = pattern;
  const CompileContext context(pcre2_compile_context_create(nullptr));
  SFT_CHECK(context != nullptr);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  const std::string translated = translate(pattern);
  int error = 0;
  size_t place = 0;
  const uint32_t options =
      PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | (dot == Dot::kAll ? PCRE2_DOTALL : 0);
  code_->compiled.reset(
      pcre2_compile(units(translated), translated.size(), options, &error, &place, context.get()));
  if (code_->compiled == nullptr) {
    std::array<PCRE2_UCHAR, 256> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    throw UsageError("pattern '" + code_->pattern +
                     "': " + reinterpret_cast<const char*>(message.data()));
  }
}

PythonRegex::~PythonRegex() = default;
PythonRegex::PythonRegex(PythonRegex&& other) noexcept = default;
PythonRegex& PythonRegex::operator=(PythonRegex&& other) noexcept = default;

std::optional<PythonRegex::Match> PythonRegex::search_from(std::string_view text, size_t start,
                                                           EmptyAtStart empty) const {
  const MatchData data(pcre2_match_data_create_from_pattern(code_->compiled.get(), nullptr));
  const MatchContext context(pcre2_match_context_create(nullptr));
  SFT_CHECK(data != nullptr && context != nullptr);
  SteadyTime deadline = std::chrono::steady_clock::now() + kTimeLimit;
  pcre2_set_match_limit(context.get(), kMatchLimit);
  pcre2_set_heap_limit(context.get(), kHeapLimitKib);
  pcre2_set_callout(context.get(), stop_when_late, &deadline);
  const uint32_t options = empty == EmptyAtStart::kRefused ? PCRE2_NOTEMPTY_ATSTART : 0;
  const int num_groups = pcre2_match(code_->compiled.get(), units(text), text.size(), start,
                                     options, data.get(), context.get());
  if (num_groups == PCRE2_ERROR_NOMATCH) {
    return std::nullopt;
  }
  if (num_groups < 0) {
    spdlog::warn("[tasks] a search was given up and counts as no match pattern={} bytes={}",
                 code_->pattern, text.size());
    return std::nullopt;
  }
  const size_t* const offsets = pcre2_get_ovector_pointer(data.get());
  Match match{.begin = offsets[0], .end = offsets[1], .groups = {}};
  for (uint32_t group = 0; group < pcre2_get_ovector_count(data.get()); ++group) {
    const size_t begin = offsets[size_t{2} * group];
    const size_t end = offsets[size_t{2} * group + 1];
    const bool is_set = static_cast<int>(group) < num_groups && begin != PCRE2_UNSET;
    match.groups.push_back(is_set ? std::optional(text.substr(begin, end - begin)) : std::nullopt);
  }
  return match;
}

std::optional<PythonRegex::Match> PythonRegex::search(std::string_view text) const {
  return search_from(text, 0, EmptyAtStart::kAllowed);
}

std::vector<PythonRegex::Match> PythonRegex::find_all(std::string_view text) const {
  std::vector<Match> matches;
  size_t start = 0;
  EmptyAtStart empty = EmptyAtStart::kAllowed;
  while (std::optional<Match> match = search_from(text, start, empty)) {
    start = match->end;
    empty = match->begin == match->end ? EmptyAtStart::kRefused : EmptyAtStart::kAllowed;
    matches.push_back(std::move(*match));
  }
  return matches;
}

std::string PythonRegex::replace_all(std::string_view text, std::string_view replacement) const {
  std::string result;
  size_t copied = 0;
  for (const Match& match : find_all(text)) {
    result += text.substr(copied, match.begin - copied);
    for (size_t i = 0; i < replacement.size(); ++i) {
      const bool is_group = replacement[i] == '\\' && i + 1 < replacement.size() &&
                            replacement[i + 1] >= '1' && replacement[i + 1] <= '9';
      if (is_group) {
        ++i;
        result += match.groups.at(static_cast<size_t>(replacement[i] - '0')).value_or("");
      } else {
        result += replacement[i];
      }
    }
    copied = match.end;
  }
  return result + std::string(text.substr(copied));
}

}  // namespace sft
