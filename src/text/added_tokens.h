#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sft {

// A token that is found in the text itself, before the text is cut into words.
struct AddedToken {
  static constexpr int32_t kNoId = -1;
  int32_t id = kNoId;
  std::string content;
  bool is_special = false;
  bool is_normalized = true;    // looked for in the normalised text
  bool strips_left = false;     // takes the white space before it along
  bool strips_right = false;    // and that behind it
  bool is_single_word = false;  // not inside a word
};

// Finds added tokens as the `tokenizers` package does: of those that begin leftmost the longest,
// then on behind it. One that fails `is_single_word` is skipped whole.
class AddedTokenMatcher {
 public:
  // `content` of each as it is to be looked for; empty ones are left out.
  explicit AddedTokenMatcher(const std::vector<AddedToken>& tokens);

  struct Segment {
    int32_t id;  // kText for what is between tokens
    size_t begin, end;
  };
  static constexpr int32_t kText = -1;

  // The whole of `text` (valid UTF-8) in order, without empty stretches of text.
  std::vector<Segment> split(std::string_view text) const;

 private:
  struct Child {
    uint8_t byte;
    int32_t node;
  };
  struct Node {
    int32_t token = kNoToken;  // index in tokens_ of the one that ends here
    std::vector<Child> children;
  };
  static constexpr int32_t kNoToken = -1;
  struct Match {
    int32_t token;
    size_t end;
  };

  void insert(std::string_view content, int32_t token);
  Match longest_at(std::string_view text, size_t begin) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_;     // a trie; nodes_[0] is its root
  std::vector<bool> is_first_;  // by byte: whether a token begins with it
};

}  // namespace sft
