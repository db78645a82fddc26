#include "text/token_decoder.h"

#include <algorithm>

#include <fmt/format.h>

#include "text/byte_alphabet.h"
#include "text/byte_token.h"
#include "text/json_field.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr int kDeepest = 16;  // Sequences in Sequences
// A space at the beginning of the text, as a regular expression ("^" alone is of each line).
constexpr std::string_view kFirstSpaceRegexes[] = {R"((?<!\n)^ )", R"(\A )"};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

bool is_literal(std::string_view regex) {
  return regex.find_first_of(R"(\^$.|?*+()[]{})") == std::string_view::npos;
}

}  // namespace

class TokenDecoder::Loader {
 public:
  explicit Loader(const std::string& where) : where_(where) {}

  TokenDecoder run(const Json& spec) {
    if (spec.is_null()) {
      throw Error(fmt::format("{}: none; known: ByteLevel, Metaspace, Sequence", where_));
    }
    add(spec, 0);
    // Without Fuse, what comes behind it would be done to each token.
    if (decoder_.rules_.first_space == FirstSpace::kDropOne && !is_fused_) {
      throw Error(fmt::format("{}: Strip is supported behind Fuse alone", where_));
    }
    return std::move(decoder_);
  }

 private:
  void add(const Json& spec, int depth) {
    const auto type = json_member<std::string>(spec, "type", where_);
    if (type == "Sequence" && depth < kDeepest) {
      for (const Json& item : list_field(spec, "decoders", where_)) {
        add(item, depth + 1);
      }
    } else if (type == "Replace") {
      add_replace(spec);
    } else if (type == "ByteFallback") {
      decoder_.has_byte_tokens_ = true;
      decoder_.rules_.broken_bytes = BrokenBytes::kWholeRun;
    } else if (type == "Fuse") {
      is_fused_ = true;
    } else if (type == "Strip") {
      add_strip(spec);
    } else if (type == "Metaspace") {
      add_metaspace(spec);
    } else {
      throw Error(
          fmt::format("{}: '{}' is not supported here (known: Replace, ByteFallback, Fuse, "
                      "Strip, Metaspace, Sequence)",
                      where_, type));
    }
  }

  void add_replace(const Json& spec) {
    const Json pattern = json_member<Json>(spec, "pattern", where_);
    const bool is_regex = pattern.is_object() && pattern.contains("Regex");
    auto from = json_member<std::string>(pattern, is_regex ? "Regex" : "String", where_);
    auto to = json_member<std::string>(spec, "content", where_);
    const bool is_first_space =
        is_regex && to.empty() &&
        std::find(std::begin(kFirstSpaceRegexes), std::end(kFirstSpaceRegexes), from) !=
            std::end(kFirstSpaceRegexes);
    if (is_first_space && is_fused_) {
      decoder_.rules_.first_space = FirstSpace::kDropOne;
      return;
    }
    if (is_fused_ || from.empty() || (is_regex && !is_literal(from))) {
      throw Error(fmt::format("{}: Replace of '{}'{} is not supported", where_, from,
                              is_fused_ ? " behind Fuse" : ""));
    }
    decoder_.replacements_.push_back({std::move(from), std::move(to)});
  }

  void add_strip(const Json& spec) {
    const auto content = json_member<std::string>(spec, "content", where_);
    const auto start = json_member<int64_t>(spec, "start", where_);
    const auto stop = json_member<int64_t>(spec, "stop", where_);
    if (start == 0 && stop == 0) {
      return;
    }
    if (content != " " || start != 1 || stop != 0) {
      throw Error(fmt::format("{}: Strip of {} and {} '{}' is not supported (known: 1 and 0 ' ')",
                              where_, start, stop, content));
    }
    decoder_.rules_.first_space = FirstSpace::kDropOne;
  }

  void add_metaspace(const Json& spec) {
    decoder_.replacements_.push_back({json_member<std::string>(spec, "replacement", where_), " "});
    const bool prepends =
        field_or(spec, "add_prefix_space", true, where_) &&
        field_or<std::string>(spec, "prepend_scheme", "always", where_) != "never";
    if (prepends) {
      decoder_.rules_.first_space = FirstSpace::kDropAllOfFirstToken;
    }
    is_fused_ = true;
  }

  const std::string& where_;
  TokenDecoder decoder_;
  bool is_fused_ = false;
};

TokenDecoder TokenDecoder::byte_level() {
  TokenDecoder decoder;
  decoder.is_byte_level_ = true;
  return decoder;
}

TokenDecoder TokenDecoder::load(const Json& spec, const std::string& where) {
  return Loader(where).run(spec);
}

TokenDecoder TokenDecoder::sentencepiece(DecodeRules rules, std::string unk, std::string unk_text) {
  TokenDecoder decoder;
  decoder.has_byte_tokens_ = true;
  decoder.replacements_ = {{"\xE2\x96\x81", " "}};
  decoder.unk_ = {std::move(unk), std::move(unk_text)};
  decoder.rules_ = rules;
  return decoder;
}

bool TokenDecoder::is_byte(std::string_view token) const {
  return has_byte_tokens_ && byte_of_token(token).has_value();
}

std::string TokenDecoder::bytes(std::string_view token) const {
  if (is_byte_level_) {
    return letters_to_bytes(token).value_or(std::string(token));
  }
  if (has_byte_tokens_) {
    if (const std::optional<uint8_t> byte = byte_of_token(token)) {
      return std::string(1, static_cast<char>(*byte));
    }
  }
  if (unk_.has_value() && unk_->from == token) {
    return unk_->to;
  }
  std::string text(token);
  for (const Replacement& replacement : replacements_) {
    replace_all(text, replacement.from, replacement.to);
  }
  return text;
}

}  // namespace sft
