#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "text/pre_tokenizer.h"

namespace sft {

// What becomes of the matches of a Split.
enum class SplitBehavior { kIsolated, kRemoved, kMergedWithPrevious, kMergedWithNext, kContiguous };

using FindMatches = std::function<std::vector<Piece>(std::string_view text)>;

// Cuts each piece around the matches in it, or (inverted) around what is between them.
class PatternSplit final : public PreTokenizer {
 public:
  PatternSplit(FindMatches find_matches, SplitBehavior behavior, bool is_inverted)
      : find_matches_(std::move(find_matches)), behavior_(behavior), is_inverted_(is_inverted) {}

  void apply(WorkingText& working) const override;

 private:
  struct Part {
    Piece piece;
    bool is_match;
  };

  std::vector<Part> parts_of(std::string_view text) const;
  std::vector<Part> arranged(const std::vector<Part>& parts) const;

  FindMatches find_matches_;
  SplitBehavior behavior_;
  bool is_inverted_;
};

std::vector<Piece> find_literal(std::string_view text, std::string_view literal);
// Each character of a class alone.
std::vector<Piece> find_characters(std::string_view text, bool (*is_wanted)(char32_t c));

}  // namespace sft
