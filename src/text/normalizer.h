#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/offset_map.h"

#include "sft/io/json.h"

namespace sft {

// One step on the way from a text to the text that is cut into words. Immutable; safe to share
// between threads.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  // `text` is valid UTF-8, and so is what becomes of it; nothing where it stays as it is.
  virtual std::optional<EditedText> apply(std::string_view text) const = 0;
};

// The steps of `spec`, the "normalizer" of a tokenizer.json (null: none). `where` opens messages.
// Throws Error, naming the kind, for what is not supported.
std::vector<std::unique_ptr<Normalizer>> load_normalizers(const Json& spec,
                                                          const std::string& where);

}  // namespace sft
