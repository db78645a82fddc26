#include "text/pre_tokenizer.h"

#include <algorithm>
#include <functional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "text/json_field.h"
#include "text/regex.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include "text/word_patterns.h"

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

// What becomes of the matches of a Split.
enum class SplitBehavior { kIsolated, kRemoved, kMergedWithPrevious, kMergedWithNext, kContiguous };

using FindMatches = std::function<std::vector<Piece>(std::string_view text)>;

class PatternSplit final : public PreTokenizer {
 public:
  PatternSplit(FindMatches find_matches, SplitBehavior behavior, bool is_inverted)
      : find_matches_(std::move(find_matches)), behavior_(behavior), is_inverted_(is_inverted) {}

  void apply(WorkingText& working) const override {
    std::vector<Piece> pieces;
    for (const Piece& piece : working.pieces()) {
      std::vector<Part> parts =
          parts_of(working.text().substr(piece.begin, piece.end - piece.begin));
      for (const Part& part : arranged(std::move(parts))) {
        if (part.piece.begin < part.piece.end) {
          pieces.push_back({piece.begin + part.piece.begin, piece.begin + part.piece.end});
        }
      }
    }
    working.set_pieces(std::move(pieces));
  }

 private:
  struct Part {
    Piece piece;
    bool is_match;
  };

  std::vector<Part> parts_of(std::string_view text) const {
    std::vector<Part> parts;
    size_t done = 0;
    for (const Piece& match : find_matches_(text)) {
      if (done < match.begin) {
        parts.push_back({{done, match.begin}, is_inverted_});
      }
      parts.push_back({match, !is_inverted_});
      done = match.end;
    }
    if (done < text.size()) {
      parts.push_back({{done, text.size()}, is_inverted_});
    }
    return parts;
  }

  std::vector<Part> arranged(std::vector<Part> parts) const {
    std::vector<Part> result;
    for (size_t i = 0; i < parts.size(); ++i) {
      const Part& part = parts[i];
      const bool was_match = i > 0 && parts[i - 1].is_match;
      const bool is_behind_match = was_match && !part.is_match;
      const bool is_behind_text = i > 0 && !was_match && part.is_match;
      const bool joins =
          (behavior_ == SplitBehavior::kContiguous && i > 0 && was_match == part.is_match) ||
          (behavior_ == SplitBehavior::kMergedWithPrevious && is_behind_text) ||
          (behavior_ == SplitBehavior::kMergedWithNext && is_behind_match);
      if (joins) {
        result.back().piece.end = part.piece.end;
      } else if (behavior_ != SplitBehavior::kRemoved || !part.is_match) {
        result.push_back(part);
      }
    }
    return result;
  }

  FindMatches find_matches_;
  SplitBehavior behavior_;
  bool is_inverted_;
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

std::vector<Piece> find_literal(std::string_view text, std::string_view literal) {
  std::vector<Piece> matches;
  for (size_t begin = text.find(literal); begin != std::string_view::npos;
       begin = text.find(literal, begin + literal.size())) {
    matches.push_back({begin, begin + literal.size()});
  }
  return matches;
}

constexpr std::pair<std::string_view, SplitBehavior> kBehaviors[] = {
    {"Isolated", SplitBehavior::kIsolated},
    {"Removed", SplitBehavior::kRemoved},
    {"MergedWithPrevious", SplitBehavior::kMergedWithPrevious},
    {"MergedWithNext", SplitBehavior::kMergedWithNext},
    {"Contiguous", SplitBehavior::kContiguous}};

SplitBehavior split_behavior(const Json& spec, const std::string& where) {
  const auto name = json_member<std::string>(spec, "behavior", where);
  for (const auto& [known, behavior] : kBehaviors) {
    if (name == known) {
      return behavior;
    }
  }
  throw Error(fmt::format("{}: behavior '{}' is not supported", where, name));
}

void add_split(const Json& spec, const std::string& where, Steps& steps) {
  const SplitBehavior behavior = split_behavior(spec, where);
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

struct Kind {
  std::string_view name;
  void (*add)(const Json& spec, const std::string& where, Steps& steps);
};
constexpr Kind kKinds[] = {
    {"Split", add_split}, {"Digits", add_digits}, {"ByteLevel", add_byte_level}};

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

Steps byte_level_pre_tokenizers(const Json& spec, const std::string& where) {
  std::vector<Json> flat;
  if (!spec.is_null()) {
    flatten(spec, where, flat, 0);
  }
  Steps steps;
  for (const Json& item : flat) {
    const auto type = json_member<std::string>(item, "type", where);
    const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [&](const Kind& known) { return known.name == type; });
    if (kind == std::end(kKinds)) {
      throw Error(fmt::format(
          "{}: '{}' is not supported (known: ByteLevel, Digits, Split, Sequence)", where, type));
    }
    const bool is_last = &item == &flat.back();
    if ((type == "ByteLevel") != is_last) {
      throw Error(
          fmt::format("{}: '{}' {}; a BPE tokenizer is supported where ByteLevel is the last step",
                      where, type, is_last ? "comes last" : "comes before the last"));
    }
    kind->add(item, where, steps);
  }
  if (flat.empty()) {
    throw Error(fmt::format("{}: none; a BPE tokenizer is supported where it is ByteLevel", where));
  }
  return steps;
}

}  // namespace sft
