#pragma once

#include <string>
#include <utility>

#include "text/pre_tokenizer.h"

namespace sft {

// Spaces as a letter of their own, and one put before pieces that begin with none.
class Metaspace final : public PreTokenizer {
 public:
  enum class Prepend {
    kAlways,
    kFirst,  // to what begins the whole text alone
    kNever,
  };
  Metaspace(std::string letter, Prepend prepend) : letter_(std::move(letter)), prepend_(prepend) {}

  void apply(WorkingText& working) const override;

 private:
  std::string letter_;
  Prepend prepend_;
};

}  // namespace sft
