#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include <array>
#include <utility>

#include <fmt/format.h>
#include <pcre2.h>

#include "text/unicode.h"
#include "text/utf8.h"

#include "sft/core/error.h"

namespace sft {
namespace {

// Steps that one match may take: enough for any sane pattern, the end of catastrophic ones.
constexpr uint32_t kMatchLimit = 50'000'000;

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  std::string message;
  for (const PCRE2_UCHAR c : buffer) {
    if (c == 0) {
      break;
    }
    message.push_back(static_cast<char>(c));
  }
  return message;
}

using Ranges = std::vector<UnicodeTable::Range>;

Ranges complement(const Ranges& ranges) {
  Ranges rest;
  char32_t next = 0;
  for (const UnicodeTable::Range& range : ranges) {
    if (range.first > next) {
      rest.push_back({next, range.first - 1});
    }
    next = range.last + 1;
  }
  if (next <= 0x10FFFF) {
    rest.push_back({next, 0x10FFFF});
  }
  return rest;
}

const Ranges& white_space() {
  static const Ranges kRanges = {
      {0x09, 0x0D},     {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
      {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
  return kRanges;
}

// Writes classes out as ranges, in a pattern that is otherwise left as it is.
class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  std::string run() {
    while (offset_ < pattern_.size()) {
      const char c = pattern_[offset_];
      if (c == '\\' && offset_ + 1 < pattern_.size()) {
        escape();
        continue;
      }
      if (c == '[') {
        ++depth_;
      } else if (c == ']' && depth_ > 0) {
        --depth_;
      }
      result_.push_back(c);
      ++offset_;
    }
    return result_;
  }

 private:
  void escape() {
    const char letter = pattern_[offset_ + 1];
    size_t size = 2;
    std::optional<Ranges> ranges;
    const UnicodeTable& table = UnicodeTable::get();
    if (letter == 's' || letter == 'S') {
      ranges = white_space();
    } else if (letter == 'd' || letter == 'D') {
      ranges = table.category_ranges("Nd");
    } else if (letter == 'h' || letter == 'H') {
      ranges = Ranges{{'0', '9'}, {'A', 'F'}, {'a', 'f'}};
    } else if (letter == 'p' || letter == 'P') {
      const size_t close = pattern_.find('}', offset_);
      if (close != std::string_view::npos && pattern_[offset_ + 2] == '{') {
        const std::string_view name = pattern_.substr(offset_ + 3, close - offset_ - 3);
        ranges = name.size() <= 2 ? table.category_ranges(name) : Ranges{};
        size = close + 1 - offset_;
      }
    }
    if (!ranges.has_value() || ranges->empty()) {
      result_ += pattern_.substr(offset_, size);
    } else {
      const bool is_negated = letter >= 'A' && letter <= 'Z';
      put(is_negated ? complement(*ranges) : *ranges);
    }
    offset_ += size;
  }

  void put(const Ranges& ranges) {
    result_ += depth_ == 0 ? "[" : "";
    for (const UnicodeTable::Range& range : ranges) {
      result_ += fmt::format("\\x{{{:X}}}", static_cast<uint32_t>(range.first));
      if (range.last > range.first) {
        result_ += fmt::format("-\\x{{{:X}}}", static_cast<uint32_t>(range.last));
      }
    }
    result_ += depth_ == 0 ? "]" : "";
  }

  std::string_view pattern_;
  size_t offset_ = 0;
  int depth_ = 0;  // of brackets
  std::string result_;
};

struct MatchState {
  explicit MatchState(const pcre2_code* code)
      : data(pcre2_match_data_create_from_pattern(code, nullptr)),
        context(pcre2_match_context_create(nullptr)) {
    SFT_CHECK(data != nullptr && context != nullptr);
    pcre2_set_match_limit(context, kMatchLimit);
  }
  ~MatchState() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
  }
  MatchState(const MatchState&) = delete;
  MatchState& operator=(const MatchState&) = delete;

  pcre2_match_data* data;
  pcre2_match_context* context;
};

}  // namespace

struct Regex::Compiled {
  explicit Compiled(pcre2_code* made) : code(made) {}
  ~Compiled() { pcre2_code_free(code); }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  pcre2_code* code;
  std::string pattern;
  std::string where;
};

Regex::Regex(const std::string& pattern, const std::string& where) {
  const auto compile = [](const std::string& text, int& error, size_t& offset) {
    return pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                         PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  };
  int error = 0;
  size_t offset = 0;
  if (!is_valid_utf8(pattern)) {
    throw Error(fmt::format("{}: the regular expression is not UTF-8", where));
  }
  pcre2_code* code = compile(Translator(pattern).run(), error, offset);
  if (code == nullptr) {  // too large once its classes are written out, or broken anyway
    code = compile(pattern, error, offset);
  }
  if (code == nullptr) {
    throw Error(fmt::format("{}: regular expression '{}': {} at {}", where, pattern,
                            message_of(error), offset));
  }
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  compiled_ = std::make_unique<Compiled>(code);
  compiled_->pattern = pattern;
  compiled_->where = where;
}

Regex::~Regex() = default;
Regex::Regex(Regex&& other) noexcept = default;
Regex& Regex::operator=(Regex&& other) noexcept = default;

std::vector<Piece> Regex::find_all(std::string_view text) const {
  const MatchState state(compiled_->code);
  const auto* const subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  std::vector<Piece> matches;
  size_t offset = 0;
  while (offset <= text.size()) {
    int found = pcre2_match(compiled_->code, subject, text.size(), offset, PCRE2_NO_UTF_CHECK,
                            state.data, state.context);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) {  // the interpreter needs no stack
      found = pcre2_match(compiled_->code, subject, text.size(), offset,
                          PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, state.data, state.context);
    }
    if (found == PCRE2_ERROR_NOMATCH) {
      break;
    }
    if (found < 0) {
      throw Error(fmt::format("{}: regular expression '{}': {} at byte {} of a text of {} bytes",
                              compiled_->where, compiled_->pattern, message_of(found), offset,
                              text.size()));
    }
    const size_t* const bounds = pcre2_get_ovector_pointer(state.data);
    const Piece match{bounds[0], bounds[1]};
    const bool is_empty = match.begin == match.end;
    if (!is_empty || matches.empty() || matches.back().end != match.begin) {
      matches.push_back(match);
    }
    offset = match.end;
    if (is_empty) {
      offset += offset < text.size() ? decode_char(text, offset).size : 1;
    }
  }
  return matches;
}

}  // namespace sft
