#include "text/bpe_tokenizer.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "text/byte_alphabet.h"
#include "text/utf8.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr int32_t kNoToken = -1;
constexpr size_t kLongestText = std::numeric_limits<int32_t>::max();

std::string normalized(const std::vector<Normalizer>& normalizers, std::string text) {
  for (const Normalizer normalizer : normalizers) {
    if (std::optional<EditedText> edited = normalizer(text)) {
      text = std::move(edited->text);
    }
  }
  return text;
}

// The added tokens that are looked for before (`is_normalized` false) or after normalisation, as
// they then read.
AddedTokenMatcher matcher_of(const BpeSpec& spec, bool is_normalized) {
  std::vector<AddedToken> tokens;
  for (AddedToken token : spec.added_tokens) {
    if (token.is_normalized == is_normalized) {
      if (is_normalized) {
        token.content = normalized(spec.normalizers, token.content);
      }
      tokens.push_back(std::move(token));
    }
  }
  return AddedTokenMatcher(tokens);
}

}  // namespace

// Takes tokens and leads their ends back to the text that was given: through the pre-tokenizers'
// edits, the normalizers', and the repair of invalid UTF-8.
class BpeTokenizer::Sink {
 public:
  // A text that begins at byte `base` of the one around it, and was edited since.
  struct Frame {
    size_t base;
    const WorkingText* text;
  };

  Sink(Encoding& encoding, const OffsetMap* repaired) : encoding_(encoding), repaired_(repaired) {}

  // `end` is in the innermost of `frames`, which stand from the inside out.
  void add(int32_t id, size_t end, std::initializer_list<Frame> frames) {
    for (const Frame& frame : frames) {
      end = frame.base + frame.text->original_end(end);
    }
    add(id, end);
  }

  // `end` is in the repaired text.
  void add(int32_t id, size_t end) {
    encoding_.ids.push_back(id);
    encoding_.ends.push_back(
        static_cast<uint32_t>(repaired_ == nullptr ? end : repaired_->old_end(end)));
  }

 private:
  Encoding& encoding_;
  const OffsetMap* repaired_;
};

BpeTokenizer::BpeTokenizer(BpeSpec spec)
    : spec_(std::move(spec)),
      vocab_size_(spec_.vocabulary.size()),
      byte_ids_(256, kNoToken),
      raw_matcher_(matcher_of(spec_, /*is_normalized=*/false)),
      normalized_matcher_(matcher_of(spec_, /*is_normalized=*/true)) {
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    const auto c = static_cast<char>(byte);
    byte_ids_[byte] = spec_.vocabulary.find({&c, 1}).value_or(kNoToken);
  }
  for (const AddedToken& token : spec_.added_tokens) {
    added_by_id_[token.id] = token;
    const std::string read =
        token.is_normalized ? normalized(spec_.normalizers, token.content) : token.content;
    added_bytes_[token.id] = letters_to_bytes(read).value_or(read);
    added_ids_[token.content] = token.id;
    vocab_size_ = std::max(vocab_size_, token.id + 1);
  }
  if (!spec_.unreachable.empty()) {
    vocab_size_ = std::max(vocab_size_, spec_.unreachable.rbegin()->first + 1);
  }
  const auto size = static_cast<size_t>(spec_.vocabulary.size());
  reaches_ = std::make_unique<std::atomic<Reach>[]>(size);
  for (size_t id = 0; id < size; ++id) {
    reaches_[id].store(Reach::kUnknown, std::memory_order_relaxed);
  }
}

Encoding BpeTokenizer::encode(std::string_view text, SpecialTokens special) const {
  if (text.size() > kLongestText) {
    throw Error(fmt::format("a text of {} bytes is too long to tokenize as one (at most {})",
                            text.size(), kLongestText));
  }
  const std::optional<EditedText> repaired = replace_invalid_utf8(text);
  const std::string_view valid = repaired ? std::string_view(repaired->text) : text;
  Encoding encoding;
  encoding.ids.reserve(valid.size() / 3 + 4);
  encoding.ends.reserve(valid.size() / 3 + 4);
  if (special == SpecialTokens::kAdd) {
    for (const int32_t id : spec_.prefix_ids) {
      encoding.ids.push_back(id);
      encoding.ends.push_back(0);
    }
  }
  Sink sink(encoding, repaired ? &repaired->origin : nullptr);
  for (const auto& segment : raw_matcher_.split(valid)) {
    if (segment.id != AddedTokenMatcher::kText) {
      sink.add(segment.id, segment.end);
    } else {
      encode_segment(valid, segment, sink);
    }
  }
  drop_second_bos(encoding);
  return encoding;
}

// A text that spells the BOS at its beginning has it already.
void BpeTokenizer::drop_second_bos(Encoding& encoding) const {
  const size_t prefix = spec_.prefix_ids.size();
  const bool has_prefix = prefix > 0 && encoding.ids.size() > prefix && encoding.ends[0] == 0;
  if (has_prefix && spec_.bos_id == spec_.prefix_ids.back() &&
      encoding.ids[prefix] == spec_.prefix_ids.back()) {
    encoding.ids.erase(encoding.ids.begin() + static_cast<ptrdiff_t>(prefix) - 1);
    encoding.ends.erase(encoding.ends.begin() + static_cast<ptrdiff_t>(prefix) - 1);
  }
}

// Normalises a stretch without unnormalised added tokens, and takes the others out of it.
void BpeTokenizer::encode_segment(std::string_view text, const Segment& segment, Sink& sink) const {
  WorkingText normal(text.substr(segment.begin, segment.end - segment.begin));
  for (const Normalizer normalizer : spec_.normalizers) {
    if (std::optional<EditedText> edited = normalizer(normal.text())) {
      const size_t size = edited->text.size();
      normal.replace(std::move(*edited), {{0, size}});
    }
  }
  const Sink::Frame outer{segment.begin, &normal};
  for (const Segment& part : normalized_matcher_.split(normal.text())) {
    if (part.id != AddedTokenMatcher::kText) {
      sink.add(part.id, part.end, {outer});
      continue;
    }
    WorkingText words(normal.text().substr(part.begin, part.end - part.begin));
    for (const auto& pre_tokenizer : spec_.pre_tokenizers) {
      pre_tokenizer->apply(words);
    }
    const Sink::Frame inner{part.begin, &words};
    encode_words(words, [&](int32_t id, size_t end) { sink.add(id, end, {inner, outer}); });
  }
}

template <typename AddToken>
void BpeTokenizer::encode_words(const WorkingText& words, const AddToken& add) const {
  std::vector<Symbol> symbols;
  for (const Piece& piece : words.pieces()) {
    const std::string_view word = words.text().substr(piece.begin, piece.end - piece.begin);
    if (const std::optional<int32_t> id = whole_word(word)) {
      add(*id, piece.end);
      continue;
    }
    symbols.clear();
    merge_bytes(word, symbols);
    for (const Symbol& symbol : symbols) {
      add(symbol.id, piece.begin + symbol.end);
    }
  }
}

// The token that is this whole word, where merging would come to it as well.
std::optional<int32_t> BpeTokenizer::whole_word(std::string_view word) const {
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

void BpeTokenizer::merge_bytes(std::string_view word, std::vector<Symbol>& symbols) const {
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

std::string BpeTokenizer::token_bytes(int32_t id) const {
  if (const auto added = added_bytes_.find(id); added != added_bytes_.end()) {
    return added->second;
  }
  if (const auto odd = spec_.unreachable.find(id); odd != spec_.unreachable.end()) {
    return odd->second;
  }
  return std::string(spec_.vocabulary.bytes(id));
}

std::string BpeTokenizer::token(int32_t id) const {
  if (const auto added = added_by_id_.find(id); added != added_by_id_.end()) {
    return added->second.content;
  }
  if (const auto odd = spec_.unreachable.find(id); odd != spec_.unreachable.end()) {
    return odd->second;
  }
  return bytes_to_letters(spec_.vocabulary.bytes(id));
}

std::optional<int32_t> BpeTokenizer::id_of(std::string_view token) const {
  if (const auto added = added_ids_.find(token); added != added_ids_.end()) {
    return added->second;
  }
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

bool BpeTokenizer::is_special(int32_t id) const {
  const auto added = added_by_id_.find(id);
  return added != added_by_id_.end() && added->second.is_special;
}

}  // namespace sft
