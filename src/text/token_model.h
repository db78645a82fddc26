#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/merge_table.h"

namespace sft {

// The last step from a text to tokens: takes a word apart. Immutable; safe to share between
// threads.
class TokenModel {
 public:
  virtual ~TokenModel() = default;

  // Fills `tokens`, empty before, with those of `word` (valid UTF-8, not empty), their ends in it.
  // Throws Error where a character has no token and there is none for unknown ones either.
  virtual void encode(std::string_view word, std::vector<Symbol>& tokens) const = 0;

  // The vocabulary's own strings; nothing and "" where there is none.
  virtual std::optional<int32_t> find(std::string_view token) const = 0;
  virtual std::string token(int32_t id) const = 0;
  // Whether it stands for something that is no text, as BOS.
  virtual bool is_special(int32_t /*id*/) const { return false; }
  // One more than the largest id.
  virtual int32_t size() const = 0;
};

}  // namespace sft
