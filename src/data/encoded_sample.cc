#include "sft/data/encoded_sample.h"

#include <algorithm>

#include "sft/core/error.h"

namespace sft {
namespace {

LaidOutSample lay_out(const Sample& sample, const Template& layout) {
  if (sample.turns.size() == 1 && sample.turns.front().instruction.empty()) {
    const std::string& text = sample.turns.front().response;
    return {.text = text, .responses = {{.begin = 0, .end = text.size()}}, .prompt_ends = {0}};
  }
  return lay_out_sample(layout, sample.turns);
}

// One past the last token that holds a byte before `end`. Tokens that share their last byte (parts
// of one character) stay together.
size_t end_of_tokens(const Encoding& encoding, size_t end) {
  const auto last = std::lower_bound(encoding.ends.begin(), encoding.ends.end(), end);
  if (last == encoding.ends.end()) {
    return encoding.ends.size();
  }
  return static_cast<size_t>(std::upper_bound(last, encoding.ends.end(), *last) -
                             encoding.ends.begin());
}

// Copies an encoding's tokens into a sample, with end tokens between.
class TokenCopier {
 public:
  TokenCopier(const Encoding& encoding, int32_t eos, EncodedSample& sample)
      : encoding_(encoding), eos_(eos), sample_(sample) {}

  size_t next() const { return next_; }
  void copy_until(size_t token) {
    for (; next_ < token; ++next_) {
      sample_.token_ids.push_back(encoding_.ids[next_]);
    }
  }
  // The template's own end token right behind byte `end`, or one of ours.
  void end_response(size_t end) {
    const bool is_written = next_ > 0 && next_ < encoding_.ids.size() &&
                            encoding_.ids[next_] == eos_ && encoding_.ends[next_ - 1] == end;
    if (is_written) {
      copy_until(next_ + 1);
    } else {
      sample_.token_ids.push_back(eos_);
    }
  }
  int32_t size() const { return static_cast<int32_t>(sample_.token_ids.size()); }

 private:
  const Encoding& encoding_;
  int32_t eos_;
  EncodedSample& sample_;
  size_t next_ = 0;
};

}  // namespace

int64_t EncodedSample::num_targets() const {
  int64_t count = 0;
  for (const TokenSpan& span : targets) {
    count += span.end - span.begin;
  }
  return count;
}

EncodedSample encode_sample(const Sample& sample, const Template& layout,
                            const Tokenizer& tokenizer, LossTarget loss_on) {
  const std::optional<int32_t> eos = tokenizer.eos_id();
  if (!eos) {
    throw Error(
        "the tokenizer names no eos_token, so that no response could end; name one in its "
        "tokenizer_config.json");
  }
  const LaidOutSample text = lay_out(sample, layout);
  const Encoding encoding = tokenizer.encode(text.text, SpecialTokens::kAdd);
  EncodedSample encoded = {.id = sample.id, .token_ids = {}, .targets = {}};
  if (num_prompt_tokens(encoding, text.prompt_ends.front()) == 0) {
    encoded.token_ids.push_back(*eos);
  }
  TokenCopier tokens(encoding, *eos, encoded);
  for (size_t turn = 0; turn < text.responses.size(); ++turn) {
    const size_t end = text.responses[turn].end;
    // A token of the response before may reach into this one, and stays with it.
    tokens.copy_until(std::max(tokens.next(), num_prompt_tokens(encoding, text.prompt_ends[turn])));
    const int32_t begin = tokens.size();
    tokens.copy_until(std::max(tokens.next(), end_of_tokens(encoding, end)));
    tokens.end_response(end);
    encoded.targets.push_back({.begin = begin, .end = tokens.size()});
  }
  tokens.copy_until(encoding.ids.size());
  if (loss_on == LossTarget::kAll) {
    encoded.targets = {{.begin = 1, .end = tokens.size()}};
  }
  return encoded;
}

}  // namespace sft
