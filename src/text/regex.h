#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "text/working_text.h"

namespace sft {

// A regular expression as the `tokenizers` package reads it, over valid UTF-8, by PCRE2. \s, \d, \h
// and general categories (\p{L}, \P{Nd}) are those of unicode.h; what else there is, PCRE2's own.
// Safe to share between threads.
class Regex {
 public:
  // Throws Error where `pattern` is no regular expression; `where` opens the message.
  Regex(const std::string& pattern, const std::string& where);
  ~Regex();
  Regex(Regex&& other) noexcept;
  Regex& operator=(Regex&& other) noexcept;

  // The matches in `text`, from left to right; empty ones too, but where the last one ended. Throws
  // Error where one takes too many steps.
  std::vector<Piece> find_all(std::string_view text) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace sft
