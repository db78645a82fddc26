#include "text/added_tokens.h"

#include <algorithm>

#include "text/unicode.h"
#include "text/utf8.h"

namespace sft {
namespace {

bool is_word_before(std::string_view text, size_t offset) {
  return offset > 0 &&
         UnicodeTable::get().is_word(decode_char(text, previous_char(text, offset)).code_point);
}

bool is_word_behind(std::string_view text, size_t offset) {
  return offset < text.size() && UnicodeTable::get().is_word(decode_char(text, offset).code_point);
}

// Where the white space that ends at `offset` begins, at or after `limit`.
size_t skip_space_left(std::string_view text, size_t offset, size_t limit) {
  while (offset > limit) {
    const size_t previous = previous_char(text, offset);
    if (!UnicodeTable::get().is_space(decode_char(text, previous).code_point)) {
      break;
    }
    offset = previous;
  }
  return offset;
}

size_t skip_space_right(std::string_view text, size_t offset) {
  while (offset < text.size()) {
    const DecodedChar c = decode_char(text, offset);
    if (!UnicodeTable::get().is_space(c.code_point)) {
      break;
    }
    offset += c.size;
  }
  return offset;
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(const std::vector<AddedToken>& tokens)
    : nodes_(1), is_first_(256) {
  for (const AddedToken& token : tokens) {
    if (!token.content.empty()) {
      insert(token.content, static_cast<int32_t>(tokens_.size()));
      tokens_.push_back(token);
    }
  }
}

void AddedTokenMatcher::insert(std::string_view content, int32_t token) {
  size_t node = 0;
  for (const char c : content) {
    const auto byte = static_cast<uint8_t>(c);
    const auto& children = nodes_[node].children;
    const auto found = std::find_if(children.begin(), children.end(),
                                    [byte](const Child& child) { return child.byte == byte; });
    if (found != children.end()) {
      node = static_cast<size_t>(found->node);
      continue;
    }
    nodes_[node].children.push_back({byte, static_cast<int32_t>(nodes_.size())});
    node = nodes_.size();
    nodes_.emplace_back();
  }
  nodes_[node].token = token;
  is_first_[static_cast<uint8_t>(content.front())] = true;
}

AddedTokenMatcher::Match AddedTokenMatcher::longest_at(std::string_view text, size_t begin) const {
  Match match{kNoToken, begin};
  size_t node = 0;
  for (size_t offset = begin; offset < text.size(); ++offset) {
    const auto byte = static_cast<uint8_t>(text[offset]);
    const auto& children = nodes_[node].children;
    const auto found = std::find_if(children.begin(), children.end(),
                                    [byte](const Child& child) { return child.byte == byte; });
    if (found == children.end()) {
      break;
    }
    node = static_cast<size_t>(found->node);
    if (nodes_[node].token != kNoToken) {
      match = {nodes_[node].token, offset + 1};
    }
  }
  return match;
}

std::vector<AddedTokenMatcher::Segment> AddedTokenMatcher::split(std::string_view text) const {
  std::vector<Segment> segments;
  size_t done = 0;
  for (size_t offset = 0; offset < text.size() && !tokens_.empty();) {
    if (!is_first_[static_cast<uint8_t>(text[offset])]) {
      ++offset;
      continue;
    }
    const Match match = longest_at(text, offset);
    if (match.token == kNoToken) {
      ++offset;
      continue;
    }
    const size_t match_begin = offset;
    offset = match.end;
    const AddedToken& token = tokens_[static_cast<size_t>(match.token)];
    if (token.is_single_word &&
        (is_word_before(text, match_begin) || is_word_behind(text, match.end))) {
      continue;
    }
    const size_t begin =
        token.strips_left ? std::max(done, skip_space_left(text, match_begin, done)) : match_begin;
    const size_t end = token.strips_right ? skip_space_right(text, match.end) : match.end;
    if (done < begin) {
      segments.push_back({kText, done, begin});
    }
    if (begin < end) {  // the token before may have taken all of it along as white space
      segments.push_back({token.id, begin, std::max(done, end)});
    }
    done = std::max(done, end);
  }
  if (done < text.size()) {
    segments.push_back({kText, done, text.size()});
  }
  return segments;
}

}  // namespace sft
