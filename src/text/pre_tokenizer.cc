#include "text/pre_tokenizer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "text/json_field.h"
#include "text/metaspace.h"
#include "text/pattern_split.h"
#include "text/regex.h"
#include "text/unicode.h"
#include "text/utf8.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using Steps = std::vector<std::unique_ptr<PreTokenizer>>;

// Words by a scanner; see word_patterns.h.
class WordSplit final : public PreTokenizer {
 public:
  explicit WordSplit(FindWordEnd find_word_end) : find_word_end_(find_word_end) {}

  void apply(WorkingText& working) const override {
    std::vector<Piece> words;
    words.reserve(working.text().size() / 4 + working.pieces().size());
    for (const Piece& piece : working.pieces()) {
      const std::string_view text = working.text().substr(0, piece.end);
      for (size_t begin = piece.begin; begin < piece.end;) {
        const size_t end = find_word_end_(text, begin);
        words.push_back({begin, end});
        begin = end;
      }
    }
    working.set_pieces(std::move(words));
  }

 private:
  FindWordEnd find_word_end_;
};

// Digits apart from all else: each alone, or runs of them together.
class DigitsSplit final : public PreTokenizer {
 public:
  explicit DigitsSplit(bool is_individual) : is_individual_(is_individual) {}

  void apply(WorkingText& working) const override {
    const UnicodeTable& table = UnicodeTable::get();
    std::vector<Piece> pieces;
    for (const Piece& piece : working.pieces()) {
      size_t begin = piece.begin;
      bool was_digit = false;
      for (size_t offset = piece.begin; offset < piece.end;) {
        const DecodedChar c = decode_char(working.text(), offset);
        const bool is_digit = table.is_numeric(c.code_point);
        if (offset > begin && (is_digit != was_digit || (is_digit && is_individual_))) {
          pieces.push_back({begin, offset});
          begin = offset;
        }
        was_digit = is_digit;
        offset += c.size;
      }
      if (begin < piece.end) {
        pieces.push_back({begin, piece.end});
      }
    }
    working.set_pieces(std::move(pieces));
  }

 private:
  bool is_individual_;
};

// A space before each piece that has none.
class PrefixSpace final : public PreTokenizer {
 public:
  void apply(WorkingText& working) const override {
    EditedText edited;
    std::vector<Piece> pieces;
    for (const Piece& piece : working.pieces()) {
      const std::string_view text = working.text().substr(piece.begin, piece.end - piece.begin);
      const size_t begin = edited.text.size();
      const bool has_space = text.starts_with(' ');
      if (!has_space) {
        edited.text.push_back(' ');
      }
      edited.origin.add({begin, edited.text.size(), piece.begin, piece.begin});
      edited.text += text;
      pieces.push_back({begin, edited.text.size()});
    }
    working.replace(std::move(edited), std::move(pieces));
  }
};

constexpr std::pair<std::string_view, SplitBehavior> kBehaviors[] = {
    {"Isolated", SplitBehavior::kIsolated},
    {"Removed", SplitBehavior::kRemoved},
    {"MergedWithPrevious", SplitBehavior::kMergedWithPrevious},
    {"MergedWithNext", SplitBehavior::kMergedWithNext},
    {"Contiguous", SplitBehavior::kContiguous}};

SplitBehavior split_behavior(const std::string& name, const std::string& where) {
  for (const auto& [known, behavior] : kBehaviors) {
    if (name == known) {
      return behavior;
    }
  }
  throw Error(fmt::format("{}: behavior '{}' is not supported", where, name));
}

void add_split(const Json& spec, const std::string& where, Steps& steps) {
  const SplitBehavior behavior =
      split_behavior(json_member<std::string>(spec, "behavior", where), where);
  const bool is_inverted = field_or(spec, "invert", false, where);
  const Json pattern = json_member<Json>(spec, "pattern", where);
  if (pattern.is_object() && pattern.contains("String")) {
    auto literal = json_member<std::string>(pattern, "String", where);
    if (literal.empty()) {
      throw Error(fmt::format("{}: the pattern is empty", where));
    }
    auto find = [literal = std::move(literal)](std::string_view text) {
      return find_literal(text, literal);
    };
    steps.push_back(std::make_unique<PatternSplit>(std::move(find), behavior, is_inverted));
    return;
  }
  const auto regex = json_member<std::string>(pattern, "Regex", where);
  const bool keeps_all =
      behavior == SplitBehavior::kIsolated || (behavior == SplitBehavior::kRemoved && is_inverted);
  for (const WordPattern& known : word_patterns()) {
    if (keeps_all && known.regex == regex) {  // it matches every character
      steps.push_back(std::make_unique<WordSplit>(known.find_word_end));
      return;
    }
  }
  auto find = [compiled = std::make_shared<const Regex>(regex, where)](std::string_view text) {
    return compiled->find_all(text);
  };
  steps.push_back(std::make_unique<PatternSplit>(std::move(find), behavior, is_inverted));
}

void add_digits(const Json& spec, const std::string& where, Steps& steps) {
  steps.push_back(std::make_unique<DigitsSplit>(field_or(spec, "individual_digits", false, where)));
}

void add_byte_level(const Json& spec, const std::string& where, Steps& steps) {
  if (field_or(spec, "add_prefix_space", true, where)) {
    steps.push_back(std::make_unique<PrefixSpace>());
  }
  if (field_or(spec, "use_regex", true, where)) {
    steps.push_back(std::make_unique<WordSplit>(find_gpt2_word_end));
  }
}

void add_metaspace(const Json& spec, const std::string& where, Steps& steps) {
  const auto letter = json_member<std::string>(spec, "replacement", where);
  const bool adds_space = field_or(spec, "add_prefix_space", true, where);
  const auto scheme =
      field_or<std::string>(spec, "prepend_scheme", adds_space ? "always" : "never", where);
  using Prepend = Metaspace::Prepend;
  constexpr std::pair<std::string_view, Prepend> kSchemes[] = {
      {"always", Prepend::kAlways}, {"first", Prepend::kFirst}, {"never", Prepend::kNever}};
  const auto found = std::find_if(std::begin(kSchemes), std::end(kSchemes),
                                  [&](const auto& known) { return known.first == scheme; });
  if (found == std::end(kSchemes) || letter.empty()) {
    throw Error(
        fmt::format("{}: Metaspace with prepend_scheme '{}' and replacement '{}' is not "
                    "supported (known schemes: always, first, never)",
                    where, scheme, letter));
  }
  steps.push_back(std::make_unique<Metaspace>(letter, found->second));
  if (field_or(spec, "split", true, where)) {
    auto find = [letter](std::string_view text) { return find_literal(text, letter); };
    steps.push_back(std::make_unique<PatternSplit>(std::move(find), SplitBehavior::kMergedWithNext,
                                                   /*is_inverted=*/false));
  }
}

bool is_white_space(char32_t c) {
  return UnicodeTable::get().is_space(c);
}

template <bool is_wanted(char32_t)>
void add_class_split(SplitBehavior behavior, Steps& steps) {
  auto find = [](std::string_view text) { return find_characters(text, is_wanted); };
  steps.push_back(std::make_unique<PatternSplit>(std::move(find), behavior, /*is_inverted=*/false));
}

void add_punctuation(const Json& spec, const std::string& where, Steps& steps) {
  add_class_split<is_punctuation>(
      split_behavior(field_or<std::string>(spec, "behavior", "Isolated", where), where), steps);
}

void add_whitespace_split(const Json& /*spec*/, const std::string& /*where*/, Steps& steps) {
  add_class_split<is_white_space>(SplitBehavior::kRemoved, steps);
}

// \w+|[^\w\s]+
std::vector<Piece> find_words(std::string_view text) {
  const UnicodeTable& table = UnicodeTable::get();
  std::vector<Piece> words;
  bool was_word = false;
  for (size_t offset = 0; offset < text.size();) {
    const DecodedChar c = decode_char(text, offset);
    const bool is_word = table.is_word(c.code_point);
    if (is_word || !table.is_space(c.code_point)) {
      if (words.empty() || words.back().end != offset || was_word != is_word) {
        words.push_back({offset, offset});
      }
      words.back().end = offset + c.size;
      was_word = is_word;
    }
    offset += c.size;
  }
  return words;
}

void add_whitespace(const Json& /*spec*/, const std::string& /*where*/, Steps& steps) {
  steps.push_back(std::make_unique<PatternSplit>(find_words, SplitBehavior::kRemoved,
                                                 /*is_inverted=*/true));
}

struct Kind {
  std::string_view name;
  void (*add)(const Json& spec, const std::string& where, Steps& steps);
};
constexpr Kind kKinds[] = {{"ByteLevel", add_byte_level},
                           {"Digits", add_digits},
                           {"Metaspace", add_metaspace},
                           {"Punctuation", add_punctuation},
                           {"Split", add_split},
                           {"Whitespace", add_whitespace},
                           {"WhitespaceSplit", add_whitespace_split}};

constexpr int kDeepest = 16;  // Sequences in Sequences

// `spec` without its Sequences, in order.
void flatten(const Json& spec, const std::string& where, std::vector<Json>& flat, int depth) {
  if (depth > kDeepest) {
    throw Error(fmt::format("{}: Sequences nest more than {} deep", where, kDeepest));
  }
  if (json_member<std::string>(spec, "type", where) != "Sequence") {
    flat.push_back(spec);
    return;
  }
  for (const Json& item : list_field(spec, "pretokenizers", where)) {
    flatten(item, where, flat, depth + 1);
  }
}

}  // namespace

std::unique_ptr<PreTokenizer> word_split(WordStyle style) {
  const std::string_view regex = word_regex(style);
  const auto known = std::find_if(word_patterns().begin(), word_patterns().end(),
                                  [&](const WordPattern& each) { return each.regex == regex; });
  return std::make_unique<WordSplit>(known->find_word_end);
}

PreTokenizers load_pre_tokenizers(const Json& spec, const std::string& where) {
  std::vector<Json> flat;
  if (!spec.is_null()) {
    flatten(spec, where, flat, 0);
  }
  PreTokenizers result;
  for (const Json& item : flat) {
    const auto type = json_member<std::string>(item, "type", where);
    const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [&](const Kind& known) { return known.name == type; });
    if (kind == std::end(kKinds)) {
      std::string known = "Sequence";
      for (const Kind& each : kKinds) {
        known += fmt::format(", {}", each.name);
      }
      throw Error(fmt::format("{}: '{}' is not supported (known: {})", where, type, known));
    }
    if (result.is_byte_level) {
      throw Error(fmt::format(
          "{}: '{}' comes behind ByteLevel, which is supported as the last step", where, type));
    }
    result.is_byte_level = type == "ByteLevel";
    kind->add(item, where, result.steps);
  }
  return result;
}

}  // namespace sft
