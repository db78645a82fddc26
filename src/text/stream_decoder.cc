#include "sft/text/stream_decoder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "text/utf8.h"

namespace sft {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr size_t kLongestOpen = 3;                         // bytes of a character without its last

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

// What a run of byte tokens is, where each byte that belongs to no character counts alone. Leaves
// the beginning of a character in `run` unless the run has ended.
std::string characters_of(std::string& run, bool has_ended) {
  std::string text;
  size_t offset = 0;
  while (offset < run.size()) {
    const Utf8Prefix prefix = utf8_prefix(std::string_view(run).substr(offset));
    if (prefix.status == Utf8Status::kCutOff && !has_ended) {
      break;
    }
    const bool is_valid = prefix.status == Utf8Status::kValid;
    text += is_valid ? std::string_view(run).substr(offset, prefix.size) : kReplacement;
    offset += is_valid ? prefix.size : 1;
  }
  run.erase(0, offset);
  return text;
}

}  // namespace

std::string StreamDecoder::push(int32_t id) {
  const std::array<int32_t, 1> ids = {id};
  check_ids(tokenizer_, ids);
  if (special_ == DecodeSpecial::kSkip && tokenizer_.is_special(id)) {
    return "";
  }
  std::string bytes = tokenizer_.token_bytes(id);
  std::string text;
  if (rules_.broken_bytes != BrokenBytes::kMaximalSubparts && tokenizer_.is_byte(id)) {
    text = push_byte(bytes);
  } else {
    text = end_run();
    if (!rules_.keeps_space_of_special || !tokenizer_.is_special(id)) {
      drop_first_space(bytes);
    }
    text += push_text(std::move(bytes));
  }
  is_first_ = false;
  return text;
}

std::string StreamDecoder::push_byte(const std::string& byte) {
  run_ += byte;
  if (rules_.broken_bytes == BrokenBytes::kWholeRun) {
    return "";
  }
  is_empty_ = false;
  return characters_of(run_, /*has_ended=*/false);
}

std::string StreamDecoder::push_text(std::string bytes) {
  is_empty_ = is_empty_ && bytes.empty();
  bytes.insert(0, std::exchange(pending_, ""));
  const size_t complete = bytes.size() - open_length(bytes);
  pending_ = bytes.substr(complete);
  bytes.resize(complete);
  return repaired(std::move(bytes));
}

std::string StreamDecoder::end_run() {
  std::string run = std::exchange(run_, "");
  if (rules_.broken_bytes == BrokenBytes::kEachByte) {
    return characters_of(run, /*has_ended=*/true);
  }
  if (run.empty()) {
    return run;
  }
  if (!is_valid_utf8(run)) {
    const size_t size = run.size();
    run.clear();
    for (size_t i = 0; i < size; ++i) {
      run += kReplacement;
    }
  }
  drop_first_space(run);
  is_empty_ = is_empty_ && run.empty();
  return run;
}

void StreamDecoder::drop_first_space(std::string& bytes) {
  switch (rules_.first_space) {
    case FirstSpace::kKeep:
      return;
    case FirstSpace::kDropOne:
    case FirstSpace::kDropOneOfEachToken:
      if (is_empty_ && bytes.starts_with(' ')) {
        bytes.erase(0, 1);
        is_empty_ = rules_.first_space == FirstSpace::kDropOneOfEachToken && bytes.empty();
      }
      return;
    case FirstSpace::kDropAllOfFirstToken:
      if (is_first_) {
        std::erase(bytes, ' ');
      }
      return;
  }
}

std::string StreamDecoder::finish() {
  std::string text = end_run();
  text += repaired(std::exchange(pending_, ""));
  return text;
}

}  // namespace sft
