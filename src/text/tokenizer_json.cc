#include "text/tokenizer_json.h"

#include <charconv>
#include <memory>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "text/utf8.h"

#include "sft/core/error.h"

namespace sft {
namespace {

// The text is not what the scanner takes: broken JSON, or a table of an unexpected form. The
// ordinary parser then tells what is wrong.
struct Unexpected {
  std::string what;
};

class Scanner {
 public:
  explicit Scanner(TokenizerJson& result) : result_(result), text_(result.text) {}

  // The file without its tables.
  std::string scan() {
    scan_members([this](std::string_view key) {
      if (key == "model" && peek() == '{') {
        scan_members([this](std::string_view model_key) { return scan_model_member(model_key); });
        return true;
      }
      return false;
    });
    skip_space();
    if (offset_ != text_.size()) {
      throw Unexpected{"text behind the end"};
    }
    rest_ += text_.substr(copied_);
    return std::move(rest_);
  }

 private:
  char peek() {
    skip_space();
    return offset_ < text_.size() ? text_[offset_] : '\0';
  }

  void skip_space() {
    while (offset_ < text_.size() && (text_[offset_] == ' ' || text_[offset_] == '\n' ||
                                      text_[offset_] == '\r' || text_[offset_] == '\t')) {
      ++offset_;
    }
  }

  void expect(char c) {
    if (peek() != c) {
      throw Unexpected{fmt::format("no '{}'", c)};
    }
    ++offset_;
  }

  bool take(char c) {
    if (peek() != c) {
      return false;
    }
    ++offset_;
    return true;
  }

  // The members of an object; `scan_value` returns false for a value that it leaves to be skipped.
  template <typename ScanValue>
  void scan_members(const ScanValue& scan_value) {
    expect('{');
    if (take('}')) {
      return;
    }
    do {
      const std::string_view key = scan_string();
      expect(':');
      if (!scan_value(key)) {
        skip_value();
      }
    } while (take(','));
    expect('}');
  }

  template <typename ScanItem>
  void scan_items(const ScanItem& scan_item) {
    expect('[');
    if (take(']')) {
      return;
    }
    do {
      scan_item();
    } while (take(','));
    expect(']');
  }

  bool scan_model_member(std::string_view key) {
    const bool is_vocab = key == "vocab" && peek() == '{';
    const bool is_scored = key == "vocab" && peek() == '[';
    const bool is_merges = key == "merges" && peek() == '[';
    if (!is_vocab && !is_scored && !is_merges) {
      return false;
    }
    rest_ += text_.substr(copied_, offset_ - copied_);
    rest_ += "null";
    if (is_vocab) {
      if (std::exchange(result_.has_token_ids, true)) {
        throw Unexpected{"a second 'vocab'"};
      }
      scan_vocab();
    } else if (is_scored) {
      if (std::exchange(result_.has_scores, true)) {
        throw Unexpected{"a second 'vocab'"};
      }
      scan_scored();
    } else {
      scan_merges();
    }
    copied_ = offset_;
    return true;
  }

  void scan_vocab() {
    scan_members([this](std::string_view token) {
      result_.vocab.push_back({token, scan_integer(token)});
      return true;
    });
  }

  void scan_scored() {
    scan_items([this] {
      expect('[');
      const std::string_view token = scan_string();
      expect(',');
      result_.scored.push_back({token, scan_number<double>(token, "score")});
      expect(']');
    });
  }

  void scan_merges() {
    if (!result_.merges.empty()) {
      throw Unexpected{"a second 'merges'"};
    }
    scan_items([this] {
      if (peek() == '[') {
        ++offset_;
        const std::string_view left = scan_string();
        expect(',');
        const std::string_view right = scan_string();
        expect(']');
        result_.merges.push_back({left, right});
        return;
      }
      const std::string_view pair = scan_string();
      const size_t space = pair.find(' ');
      if (space == std::string_view::npos || pair.find(' ', space + 1) != std::string_view::npos) {
        throw Unexpected{fmt::format("merge {} is '{}', not two tokens with a space between",
                                     result_.merges.size(), pair.substr(0, 60))};
      }
      result_.merges.push_back({pair.substr(0, space), pair.substr(space + 1)});
    });
  }

  int64_t scan_integer(std::string_view token) {
    const auto value = scan_number<int64_t>(token, "id");
    const char behind = peek();
    if (behind == '.' || behind == 'e' || behind == 'E') {
      throw Unexpected{fmt::format("the id of '{}' is no integer", token.substr(0, 60))};
    }
    return value;
  }

  template <typename Number>
  Number scan_number(std::string_view token, std::string_view what) {
    skip_space();
    Number value = 0;
    const char* const begin = text_.data() + offset_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc()) {
      throw Unexpected{fmt::format("the {} of '{}' is no {}", what, token.substr(0, 60),
                                   std::is_integral_v<Number> ? "integer" : "number")};
    }
    offset_ += static_cast<size_t>(end - begin);
    return value;
  }

  std::string_view scan_string() {
    expect('"');
    const size_t begin = offset_;
    while (offset_ < text_.size() && text_[offset_] != '"') {
      const char c = text_[offset_];
      if (c == '\\') {
        return scan_escaped(begin);
      }
      if (static_cast<unsigned char>(c) < 0x20) {
        throw Unexpected{"a control character in a string"};
      }
      ++offset_;
    }
    expect('"');
    return text_.substr(begin, offset_ - 1 - begin);
  }

  // A string from `begin` in which there are escapes: they are left to the ordinary parser.
  std::string_view scan_escaped(size_t begin) {
    while (offset_ < text_.size() && text_[offset_] != '"') {
      offset_ += text_[offset_] == '\\' ? 2 : 1;
    }
    expect('"');
    const Json value =
        Json::parse(text_.substr(begin - 1, offset_ - begin + 1), nullptr, /*exceptions=*/false);
    if (!value.is_string()) {
      throw Unexpected{"a broken string"};
    }
    result_.unescaped.push_back(std::make_unique<std::string>(value.get<std::string>()));
    return *result_.unescaped.back();
  }

  // Skips any value, by brackets alone; the ordinary parser reads it again.
  void skip_value() {
    size_t depth = 0;
    do {
      const char c = peek();
      if (c == '"') {
        scan_skipped_string();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++offset_;
      } else if (c == '}' || c == ']') {
        if (depth == 0) {
          throw Unexpected{"a stray bracket"};
        }
        --depth;
        ++offset_;
      } else if (c == '\0' || (depth == 0 && (c == ',' || c == ':'))) {
        throw Unexpected{"no value"};
      } else {
        skip_plain();
      }
    } while (depth > 0);
  }

  void scan_skipped_string() {
    ++offset_;
    while (offset_ < text_.size() && text_[offset_] != '"') {
      offset_ += text_[offset_] == '\\' ? 2 : 1;
    }
    expect('"');
  }

  // A number, a word, a comma or a colon.
  void skip_plain() {
    if (text_[offset_] == ',' || text_[offset_] == ':') {
      ++offset_;
      return;
    }
    while (offset_ < text_.size() &&
           std::string_view(",:[]{}\" \t\r\n").find(text_[offset_]) == std::string_view::npos) {
      ++offset_;
    }
  }

  TokenizerJson& result_;
  std::string_view text_;
  size_t offset_ = 0;
  size_t copied_ = 0;  // up to where the text is in rest_
  std::string rest_;
};

}  // namespace

TokenizerJson parse_tokenizer_json(std::string text, const std::string& where) {
  TokenizerJson result;
  result.text = std::move(text);
  try {
    if (!is_valid_utf8(result.text)) {
      throw Unexpected{"text that is not UTF-8"};
    }
    result.rest = parse_json(Scanner(result).scan(), where);
    return result;
  } catch (const Unexpected& unexpected) {
    const Json whole = parse_json(result.text, where);  // tells where the JSON is broken
    throw Error(fmt::format("{}: no tokenizer.json: {}", where, unexpected.what));
  } catch (const Error&) {
    const Json whole = parse_json(result.text, where);  // with the place in the whole file
    throw;
  }
}

}  // namespace sft
