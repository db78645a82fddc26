#include "text/pipeline_tokenizer.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "text/utf8.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr size_t kLongestText = std::numeric_limits<int32_t>::max();

std::string normalized(const std::vector<std::unique_ptr<Normalizer>>& normalizers,
                       std::string text) {
  for (const auto& normalizer : normalizers) {
    if (std::optional<EditedText> edited = normalizer->apply(text)) {
      text = std::move(edited->text);
    }
  }
  return text;
}

// The added tokens that are looked for before (`is_normalized` false) or after normalisation, as
// they then read.
AddedTokenMatcher matcher_of(const PipelineSpec& spec, bool is_normalized) {
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
class PipelineTokenizer::Sink {
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

PipelineTokenizer::PipelineTokenizer(PipelineSpec spec)
    : spec_(std::move(spec)),
      vocab_size_(spec_.model->size()),
      raw_matcher_(matcher_of(spec_, /*is_normalized=*/false)),
      normalized_matcher_(matcher_of(spec_, /*is_normalized=*/true)) {
  for (const AddedToken& token : spec_.added_tokens) {
    added_by_id_[token.id] = token;
    added_bytes_[token.id] = spec_.decoder.bytes(
        token.is_normalized ? normalized(spec_.normalizers, token.content) : token.content);
    added_ids_[token.content] = token.id;
    vocab_size_ = std::max(vocab_size_, token.id + 1);
  }
}

Encoding PipelineTokenizer::encode(std::string_view text, SpecialTokens special) const {
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
void PipelineTokenizer::drop_second_bos(Encoding& encoding) const {
  const size_t prefix = spec_.prefix_ids.size();
  const bool has_prefix = prefix > 0 && encoding.ids.size() > prefix && encoding.ends[0] == 0;
  if (has_prefix && spec_.bos_id == spec_.prefix_ids.back() &&
      encoding.ids[prefix] == spec_.prefix_ids.back()) {
    encoding.ids.erase(encoding.ids.begin() + static_cast<ptrdiff_t>(prefix) - 1);
    encoding.ends.erase(encoding.ends.begin() + static_cast<ptrdiff_t>(prefix) - 1);
  }
}

// Normalises a stretch without unnormalised added tokens, and takes the others out of it.
void PipelineTokenizer::encode_segment(std::string_view text, const Segment& segment,
                                       Sink& sink) const {
  WorkingText normal(text.substr(segment.begin, segment.end - segment.begin));
  for (const auto& normalizer : spec_.normalizers) {
    if (std::optional<EditedText> edited = normalizer->apply(normal.text())) {
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
    words.set_begins_text(part.begin == 0 && segment.begin == 0);
    for (const auto& pre_tokenizer : spec_.pre_tokenizers) {
      pre_tokenizer->apply(words);
    }
    const Sink::Frame inner{part.begin, &words};
    encode_words(words, [&](int32_t id, size_t end) { sink.add(id, end, {inner, outer}); });
  }
}

template <typename AddToken>
void PipelineTokenizer::encode_words(const WorkingText& words, const AddToken& add) const {
  std::vector<Symbol> symbols;
  for (const Piece& piece : words.pieces()) {
    symbols.clear();
    spec_.model->encode(words.text().substr(piece.begin, piece.end - piece.begin), symbols);
    for (const Symbol& symbol : symbols) {
      add(symbol.id, piece.begin + symbol.end);
    }
  }
}

std::string PipelineTokenizer::token_bytes(int32_t id) const {
  if (const auto added = added_bytes_.find(id); added != added_bytes_.end()) {
    return added->second;
  }
  return spec_.decoder.bytes(spec_.model->token(id));
}

bool PipelineTokenizer::is_byte(int32_t id) const {
  return spec_.decoder.is_byte(token(id));
}

std::string PipelineTokenizer::token(int32_t id) const {
  if (const auto added = added_by_id_.find(id); added != added_by_id_.end()) {
    return added->second.content;
  }
  return spec_.model->token(id);
}

std::optional<int32_t> PipelineTokenizer::id_of(std::string_view token) const {
  if (const auto added = added_ids_.find(token); added != added_ids_.end()) {
    return added->second;
  }
  return spec_.model->find(token);
}

bool PipelineTokenizer::is_special(int32_t id) const {
  const auto added = added_by_id_.find(id);
  return added == added_by_id_.end() ? spec_.model->is_special(id) : added->second.is_special;
}

}  // namespace sft
