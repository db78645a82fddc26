#include "text/byte_bpe_model.h"

#include <algorithm>
#include <utility>

#include "text/byte_alphabet.h"
#include "text/utf8.h"

namespace sft {
namespace {

constexpr int32_t kNoToken = -1;

}  // namespace

ByteBpeModel::ByteBpeModel(ByteBpeSpec spec)
    : spec_(std::move(spec)), size_(spec_.vocabulary.size()), byte_ids_(256, kNoToken) {
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    const auto c = static_cast<char>(byte);
    byte_ids_[byte] = spec_.vocabulary.find({&c, 1}).value_or(kNoToken);
  }
  if (!spec_.unreachable.empty()) {
    size_ = std::max(size_, spec_.unreachable.rbegin()->first + 1);
  }
  const auto size = static_cast<size_t>(spec_.vocabulary.size());
  reaches_ = std::make_unique<std::atomic<Reach>[]>(size);
  for (size_t id = 0; id < size; ++id) {
    reaches_[id].store(Reach::kUnknown, std::memory_order_relaxed);
  }
}

void ByteBpeModel::encode(std::string_view word, std::vector<Symbol>& tokens) const {
  if (const std::optional<int32_t> id = whole_word(word)) {
    tokens.push_back({*id, static_cast<uint32_t>(word.size())});
    return;
  }
  merge_bytes(word, tokens);
}

// The token that is this whole word, where merging would come to it as well.
std::optional<int32_t> ByteBpeModel::whole_word(std::string_view word) const {
  const std::optional<int32_t> id = spec_.vocabulary.find(word);
  if (!id.has_value() || spec_.ignores_merges) {
    return id;
  }
  std::atomic<Reach>& reach = reaches_[static_cast<size_t>(*id)];
  Reach known = reach.load(std::memory_order_relaxed);
  if (known == Reach::kUnknown) {
    std::vector<Symbol> symbols;
    merge_bytes(word, symbols);
    known = symbols.size() == 1 && symbols.front().id == *id ? Reach::kYes : Reach::kNo;
    reach.store(known, std::memory_order_relaxed);
  }
  return known == Reach::kYes ? id : std::nullopt;
}

void ByteBpeModel::merge_bytes(std::string_view word, std::vector<Symbol>& symbols) const {
  bool was_unknown = false;
  for (size_t i = 0; i < word.size(); ++i) {
    const int32_t id = byte_ids_[static_cast<uint8_t>(word[i])];
    const auto end = static_cast<uint32_t>(i + 1);
    const bool is_unknown = id == kNoToken;
    const bool is_own_symbol =
        !is_unknown || (spec_.unk_id.has_value() && !(was_unknown && spec_.fuses_unk));
    if (is_own_symbol) {
      symbols.push_back({is_unknown ? *spec_.unk_id : id, end});
    } else if (!symbols.empty()) {  // left out, or part of the unknown token before
      symbols.back().end = end;
    }
    was_unknown = is_unknown;
  }
  spec_.merges.apply(symbols);
}

std::optional<int32_t> ByteBpeModel::find(std::string_view token) const {
  if (!is_valid_utf8(token)) {
    return std::nullopt;
  }
  if (const std::optional<std::string> bytes = letters_to_bytes(token)) {
    return spec_.vocabulary.find(*bytes);
  }
  for (const auto& [id, odd] : spec_.unreachable) {
    if (odd == token) {
      return id;
    }
  }
  return std::nullopt;
}

std::string ByteBpeModel::token(int32_t id) const {
  if (const auto odd = spec_.unreachable.find(id); odd != spec_.unreachable.end()) {
    return odd->second;
  }
  return bytes_to_letters(spec_.vocabulary.bytes(id));
}

}  // namespace sft
