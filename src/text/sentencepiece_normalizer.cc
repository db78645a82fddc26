#include "text/sentencepiece_normalizer.h"

#include "text/utf8.h"

namespace sft {
namespace {

constexpr std::string_view kSpaceLetter = "\xE2\x96\x81";  // U+2581

class Run {
 public:
  Run(const SentencePieceRules& rules, std::string_view text) : rules_(rules), text_(text) {
    result_.text.reserve(text.size() + text.size() / 2);
    result_.origin.reserve(text.size() + text.size() / 2);
  }

  NormalizedText run() {
    if (rules_.removes_extra_spaces) {
      skip_first_spaces();
    }
    if (offset_ == text_.size()) {
      result_.origin.push_back(0);
      return std::move(result_);
    }
    if (rules_.adds_dummy_prefix) {
      put(' ');
    }
    bool is_behind_space = rules_.removes_extra_spaces;
    while (offset_ < text_.size()) {
      Step step = next();
      while (is_behind_space && step.text.starts_with(' ')) {
        step.text.remove_prefix(1);
      }
      for (const char byte : step.text) {
        put(byte);
      }
      if (!step.text.empty()) {
        is_behind_space = rules_.removes_extra_spaces && step.text.ends_with(' ');
      }
      offset_ += step.size;
    }
    size_t end = text_.size();
    if (rules_.removes_extra_spaces) {
      end = drop_last_spaces();
    }
    result_.origin.push_back(static_cast<uint32_t>(end));
    return std::move(result_);
  }

 private:
  // What the text's next `size` bytes become.
  struct Step {
    std::string_view text;
    size_t size;
  };

  Step next() const {
    const std::string_view rest = text_.substr(offset_);
    size_t kept = 0;
    rules_.kept.for_each_prefix(rest, [&kept](size_t size, int32_t) { kept = size; });
    if (kept > 0) {
      return {rest.substr(0, kept), kept};
    }
    if (rules_.charsmap.has_value()) {
      if (const auto found = rules_.charsmap->find_longest(rest)) {
        return {found->text, found->size};
      }
    }
    const size_t size = decode_char(rest, 0).size;
    return {rest.substr(0, size), size};
  }

  void skip_first_spaces() {
    while (offset_ < text_.size()) {
      const Step step = next();
      if (step.text != " ") {
        break;
      }
      offset_ += step.size;
    }
  }

  size_t drop_last_spaces() {
    const std::string_view space = rules_.escapes_spaces ? kSpaceLetter : " ";
    size_t end = offset_;
    while (result_.text.ends_with(space)) {
      const size_t size = result_.text.size() - space.size();
      end = result_.origin[size];
      result_.text.resize(size);
      result_.origin.resize(size);
    }
    return end;
  }

  void put(char byte) {
    const bool is_escaped = byte == ' ' && rules_.escapes_spaces;
    result_.text += is_escaped ? kSpaceLetter : std::string_view(&byte, 1);
    result_.origin.resize(result_.text.size(), static_cast<uint32_t>(offset_));
  }

  const SentencePieceRules& rules_;
  std::string_view text_;
  size_t offset_ = 0;
  NormalizedText result_;
};

}  // namespace

NormalizedText normalize(const SentencePieceRules& rules, std::string_view text) {
  return Run(rules, text).run();
}

}  // namespace sft
