#include "model/name_pattern.h"

#include <array>

#include "sft/core/error.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace sft {
namespace {

constexpr uint32_t kMatchLimit = 100'000;

PCRE2_SPTR characters(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

}  // namespace

struct NamePattern::Compiled {
  Compiled() = default;
  ~Compiled() {
    pcre2_match_data_free(match);
    pcre2_match_context_free(context);
    pcre2_code_free(code);
  }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  std::string text;
  std::string where;
  pcre2_code* code = nullptr;
  pcre2_match_context* context = nullptr;
  pcre2_match_data* match = nullptr;
};

NamePattern::NamePattern(const std::string& pattern, const std::string& where)
    : compiled_(std::make_unique<Compiled>()) {
  compiled_->text = pattern;
  compiled_->where = where;
  int error = 0;
  PCRE2_SIZE place = 0;
  compiled_->code =
      pcre2_compile(characters(pattern), pattern.size(),
                    PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &error, &place, nullptr);
  if (compiled_->code == nullptr) {
    std::array<PCRE2_UCHAR, 256> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    throw UsageError(where + ": '" + pattern + "' is no regular expression: " +
                     reinterpret_cast<const char*>(message.data()) + " at character " +
                     std::to_string(place));
  }
  compiled_->context = pcre2_match_context_create(nullptr);
  compiled_->match = pcre2_match_data_create_from_pattern(compiled_->code, nullptr);
  SFT_CHECK(compiled_->context != nullptr && compiled_->match != nullptr);
  pcre2_set_match_limit(compiled_->context, kMatchLimit);
}

NamePattern::~NamePattern() = default;
NamePattern::NamePattern(NamePattern&& other) noexcept = default;
NamePattern& NamePattern::operator=(NamePattern&& other) noexcept = default;

bool NamePattern::matches(std::string_view name) const {
  const int result = pcre2_match(compiled_->code, characters(name), name.size(), 0, 0,
                                 compiled_->match, compiled_->context);
  if (result < 0 && result != PCRE2_ERROR_NOMATCH) {
    throw Error(compiled_->where + ": '" + compiled_->text + "' takes too many steps on '" +
                std::string(name) + "'");
  }
  return result >= 0;
}

}  // namespace sft
