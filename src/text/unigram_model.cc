#include "text/unigram_model.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "text/byte_token.h"
#include "text/utf8.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr double kUnknownPenalty = 10.0;
constexpr int32_t kUnknown = -1;

}  // namespace

UnigramModel::UnigramModel(UnigramSpec spec) : spec_(std::move(spec)) {
  std::vector<bool> is_unreachable(static_cast<size_t>(spec_.vocabulary.size()));
  for (const int32_t id : spec_.unreachable) {
    is_unreachable[static_cast<size_t>(id)] = true;
  }
  std::vector<std::pair<std::string_view, int32_t>> entries;
  for (int32_t id = 0; id < spec_.vocabulary.size(); ++id) {
    if (spec_.vocabulary.has(id) && !is_unreachable[static_cast<size_t>(id)]) {
      entries.emplace_back(spec_.vocabulary.bytes(id), id);
    }
  }
  trie_ = PrefixTrie(std::move(entries));
  if (!spec_.scores.empty()) {
    unk_score_ =
        spec_.least_score.value_or(*std::min_element(spec_.scores.begin(), spec_.scores.end())) -
        kUnknownPenalty;
  }
  for (size_t byte = 0; spec_.has_byte_fallback && byte < byte_ids_.size(); ++byte) {
    byte_ids_[byte] = spec_.vocabulary.find(byte_token(static_cast<uint8_t>(byte)));
  }
}

// Of two ways with equal scores, the one found first: with the longer last token.
template <typename Sum>
void UnigramModel::find_best_paths(std::string_view word, std::vector<Node>& ends) const {
  ends.assign(word.size() + 1, {});
  for (size_t begin = 0; begin < word.size();) {
    const double score_here = ends[begin].score;
    const size_t char_size = decode_char(word, begin).size;
    const auto offer = [&](size_t size, int32_t id, double score) {
      Node& end = ends[begin + size];
      const double sum = static_cast<Sum>(score) + static_cast<Sum>(score_here);
      if (end.begin == kUnreached || sum > end.score) {
        end = {sum, id, static_cast<uint32_t>(begin)};
      }
    };
    bool has_char_token = false;
    trie_.for_each_prefix(word.substr(begin), [&](size_t size, int32_t id) {
      offer(size, id, spec_.scores[static_cast<size_t>(id)]);
      has_char_token = has_char_token || size == char_size;
    });
    if (!has_char_token) {
      offer(char_size, kUnknown, unk_score_);
    }
    begin += char_size;
  }
}

void UnigramModel::encode(std::string_view word, std::vector<Symbol>& tokens) const {
  std::vector<Node> ends;
  if (spec_.style == UnigramStyle::kTokenizers) {
    find_best_paths<double>(word, ends);
  } else {
    find_best_paths<float>(word, ends);
  }
  std::vector<Symbol> path;  // from the end
  for (auto end = static_cast<uint32_t>(word.size()); end > 0; end = ends[end].begin) {
    int32_t id = ends[end].id;
    if (id == spec_.unk_id) {  // a text that spells the unknown token
      id = kUnknown;
    }
    const bool joins = id == kUnknown && !path.empty() && path.back().id == kUnknown;
    if (!joins) {
      path.push_back({id, end});
    }
  }
  uint32_t begin = 0;
  for (auto symbol = path.rbegin(); symbol != path.rend(); ++symbol) {
    put(word.substr(begin, symbol->end - begin), *symbol, tokens);
    begin = symbol->end;
  }
}

void UnigramModel::put(std::string_view piece, const Symbol& symbol,
                       std::vector<Symbol>& tokens) const {
  if (symbol.id != kUnknown) {
    tokens.push_back(symbol);
    return;
  }
  if (spec_.style == UnigramStyle::kTokenizers) {
    if (const std::optional<int32_t> id = spec_.vocabulary.find(piece)) {
      tokens.push_back({*id, symbol.end});
      return;
    }
  }
  const auto byte_id = [this](char byte) { return byte_ids_[static_cast<uint8_t>(byte)]; };
  if (std::all_of(piece.begin(), piece.end(),
                  [&](char byte) { return byte_id(byte).has_value(); })) {
    const auto begin = symbol.end - static_cast<uint32_t>(piece.size());
    for (uint32_t i = 0; i < piece.size(); ++i) {
      tokens.push_back({*byte_id(piece[i]), begin + i + 1});
    }
    return;
  }
  if (!spec_.unk_id.has_value()) {
    throw Error(fmt::format("{}: '{}' has no token, and there is no unknown token (unk_id)",
                            spec_.where, piece.substr(0, 60)));
  }
  tokens.push_back({*spec_.unk_id, symbol.end});
}

}  // namespace sft
