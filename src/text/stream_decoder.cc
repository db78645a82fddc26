#include "sft/text/stream_decoder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "text/utf8.h"

namespace sft {
namespace {

constexpr size_t kLongestOpen = 3;  // bytes of a character without its last

std::string repaired(std::string bytes) {
  if (std::optional<EditedText> edited = replace_invalid_utf8(bytes)) {
    return std::move(edited->text);
  }
  return bytes;
}

// How many of the last bytes may be the beginning of a character that goes on.
size_t open_length(std::string_view bytes) {
  for (size_t length = std::min(bytes.size(), kLongestOpen); length > 0; --length) {
    const Utf8Prefix prefix = utf8_prefix(bytes.substr(bytes.size() - length));
    if (prefix.status == Utf8Status::kCutOff && prefix.size == length) {
      return length;
    }
  }
  return 0;
}

}  // namespace

std::string StreamDecoder::push(int32_t id) {
  const std::array<int32_t, 1> ids = {id};
  check_ids(tokenizer_, ids);
  if (special_ == DecodeSpecial::kSkip && tokenizer_.is_special(id)) {
    return "";
  }
  std::string bytes = std::exchange(pending_, "") + tokenizer_.token_bytes(id);
  const size_t complete = bytes.size() - open_length(bytes);
  pending_ = bytes.substr(complete);
  bytes.resize(complete);
  return repaired(std::move(bytes));
}

std::string StreamDecoder::finish() {
  return repaired(std::exchange(pending_, ""));
}

}  // namespace sft
