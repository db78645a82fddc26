#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace sft {

// A regular expression over the names of a model's layers, as an adapter_config.json has them for
// Python's `re`; run by PCRE2 with a bound on its steps. In what such patterns are made of the two
// agree.
class NamePattern {
 public:
  // Throws UsageError where `pattern` is no regular expression; `where` opens the message.
  NamePattern(const std::string& pattern, const std::string& where);
  ~NamePattern();
  NamePattern(NamePattern&& other) noexcept;
  NamePattern& operator=(NamePattern&& other) noexcept;

  // The whole of `name`. Throws Error where it takes too many steps.
  bool matches(std::string_view name) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace sft
