#include "text/letter_case.h"

#include "text/unicode.h"
#include "text/utf8.h"

namespace sft {

std::optional<EditedText> lower_case(std::string_view text) {
  EditedText edited;
  size_t copied = 0;
  for (size_t offset = 0; offset < text.size();) {
    const DecodedChar c = decode_char(text, offset);
    if (const std::span<const uint32_t> lower = lower_case_of(c.code_point); !lower.empty()) {
      edited.text.append(text, copied, offset - copied);
      const size_t begin = edited.text.size();
      for (const uint32_t part : lower) {
        append_utf8(part, edited.text);
      }
      copied = offset + c.size;
      edited.origin.add({begin, edited.text.size(), offset, copied});
    }
    offset += c.size;
  }
  if (copied == 0) {
    return std::nullopt;
  }
  edited.text.append(text, copied);
  return edited;
}

}  // namespace sft
