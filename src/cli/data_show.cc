// sft data show: samples as the model sees them.

#include <cstdio>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/data_access.h"
#include "cli/data_command.h"

#include "sft/data/encoded_sample.h"
#include "sft/data/prepared_set.h"
#include "sft/io/jsonl.h"

namespace sft {
namespace {

// What stands around text that is trained on.
struct Marks {
  const char* begin;
  const char* end;
};
constexpr Marks kColor = {"\033[1;32m", "\033[0m"};
constexpr Marks kPlain = {"\xC2\xAB", "\xC2\xBB"};  // angle quotation marks

Marks choose_marks(const std::string& color) {
  const bool is_colored = color == "always" || (color == "auto" && ::isatty(STDOUT_FILENO) == 1);
  return is_colored ? kColor : kPlain;
}

std::vector<bool> trained_on(const EncodedSample& sample) {
  std::vector<bool> is_target(sample.token_ids.size());
  for (const TokenSpan& span : sample.targets) {
    std::fill(is_target.begin() + span.begin, is_target.begin() + span.end, true);
  }
  return is_target;
}

// Tokens in a row that are alike are put together, so that no character is broken inside them.
std::string marked_text(const EncodedSample& sample, const Tokenizer& tokenizer,
                        const Marks& marks) {
  const std::vector<bool> is_target = trained_on(sample);
  std::string text;
  for (size_t begin = 0; begin < is_target.size();) {
    size_t end = begin;
    while (end < is_target.size() && is_target[end] == is_target[begin]) {
      ++end;
    }
    const std::string part = decode(
        tokenizer, std::span(sample.token_ids).subspan(begin, end - begin), DecodeSpecial::kKeep);
    text += is_target[begin] ? marks.begin + part + marks.end : part;
    begin = end;
  }
  return text;
}

Json sample_json(const Sample& sample, const EncodedSample& encoded, const Tokenizer& tokenizer) {
  const std::vector<bool> is_target = trained_on(encoded);
  Json tokens = Json::array();
  for (size_t i = 0; i < encoded.token_ids.size(); ++i) {
    tokens.push_back({{"id", encoded.token_ids[i]},
                      {"token", tokenizer.token(encoded.token_ids[i])},
                      {"is_trained_on", static_cast<bool>(is_target[i])}});
  }
  return {{"id", sample.id},
          {"dataset", sample.dataset},
          {"source", sample.source},
          {"tokens", std::move(tokens)}};
}

}  // namespace

int show_data(const DataFlags& flags, const CommonOptions& common) {
  const auto [config, own, options] = open_data(flags.config, common);
  const PreparedSet set = find_or_prepare_set(config.data, own, options);
  const Template layout = load_template(config.data.layout);
  const auto tokenizer = own.load();
  const Marks marks = choose_marks(flags.color);
  JsonlReader reader(set.training());
  for (int64_t i = 0; i < flags.num_shown; ++i) {
    const auto line = reader.next();
    if (!line) {
      break;
    }
    const Sample sample = parse_sample_line(line->value, line->where);
    const EncodedSample encoded = encode_sample(sample, layout, *tokenizer, config.train.loss_on);
    if (common.is_json) {
      fmt::print("{}\n", dump_json(sample_json(sample, encoded, *tokenizer), JsonLayout::kCompact));
      continue;
    }
    fmt::print("{}--- {} ({}: {}), {} tokens, {} trained on\n{}\n", i == 0 ? "" : "\n", sample.id,
               sample.dataset, sample.source, encoded.token_ids.size(), encoded.num_targets(),
               marked_text(encoded, *tokenizer, marks));
  }
  return 0;
}

}  // namespace sft
