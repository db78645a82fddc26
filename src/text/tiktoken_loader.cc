// A file of tiktoken ranks (openai/tiktoken, tiktoken/load.py) has a line for each token, its bytes
// in base64, a space, and its rank, which is its id as well. Two neighbours in a word merge where
// their bytes joined are a token, those with the lowest rank first.

#include "text/tiktoken_loader.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "text/byte_bpe_model.h"
#include "text/pipeline_loader.h"
#include "text/shown_token.h"
#include "text/token_fields.h"
#include "text/word_patterns.h"

#include "sft/core/error.h"
#include "sft/io/base64.h"

namespace sft {
namespace {

constexpr size_t kNumO200kRanks = 199998;

struct RankLine {
  std::string_view base64;
  std::string_view rank;
};

// The line's two parts; nothing where it has not two.
std::optional<RankLine> parse_line(std::string_view line) {
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  const size_t space = line.find(' ');
  if (space == 0 || space == std::string_view::npos || space + 1 == line.size()) {
    return std::nullopt;
  }
  return RankLine{line.substr(0, space), line.substr(space + 1)};
}

class RankReader {
 public:
  explicit RankReader(const std::string& where) : where_(where) {}

  Vocabulary run(std::string_view text) {
    for (size_t number = 1; !text.empty(); ++number) {
      const size_t newline = text.find('\n');
      const std::string_view line = text.substr(0, newline);
      text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
      if (!line.empty() && line != "\r") {
        read(line, number);
      }
    }
    return std::move(vocabulary_);
  }

 private:
  void read(std::string_view line, size_t number) {
    const auto refuse = [&](const std::string& what) {
      throw Error(fmt::format("{}:{}: {}", where_, number, what));
    };
    const std::optional<RankLine> parts = parse_line(line);
    const std::optional<std::string> bytes =
        parts.has_value() ? decode_base64(parts->base64) : std::nullopt;
    if (!bytes.has_value() || bytes->empty()) {
      refuse(fmt::format("'{}' is no token in base64 with its rank", shown(line)));
    }
    int64_t rank = -1;
    const char* const end = parts->rank.data() + parts->rank.size();
    const auto [parsed, error] = std::from_chars(parts->rank.data(), end, rank);
    if (error != std::errc() || parsed != end) {
      refuse(fmt::format("'{}' is no rank", shown(parts->rank)));
    }
    const int32_t id =
        checked_token_id(rank, shown(parts->base64), fmt::format("{}:{}", where_, number));
    if (!vocabulary_.add(*bytes, id)) {
      refuse(fmt::format("token '{}' or rank {} is listed twice", shown(parts->base64), rank));
    }
  }

  const std::string& where_;
  Vocabulary vocabulary_;
};

// Which pairs make a token. Where the merges of lower ranks leave two parts of its bytes, these are
// the only pair: inside a word its bytes merge as they do alone. A token that they leave in more
// parts (".:.:.:.:" of Llama 3, with ".:." and ":.:.:" of higher ranks) is made by any two tokens
// that give its bytes.
class MergeFinder {
 public:
  explicit MergeFinder(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {
    merges_.reserve(vocabulary.num_pieces());
    for (size_t byte = 0; byte < 256; ++byte) {
      const auto c = static_cast<char>(byte);
      byte_ids_.push_back(vocabulary.find({&c, 1}).value_or(kNoToken));
    }
  }

  MergeTable run() {
    for (int32_t id = 0; id < vocabulary_.size(); ++id) {
      if (vocabulary_.bytes(id).size() > 1 && !split_by_merges(id)) {
        split_anywhere(id);
      }
    }
    return std::move(merges_);
  }

 private:
  static constexpr int32_t kNoToken = -1;

  // Whether the merges so far, all of lower ranks, leave two parts.
  bool split_by_merges(int32_t id) {
    const std::string_view bytes = vocabulary_.bytes(id);
    symbols_.clear();
    for (size_t i = 0; i < bytes.size(); ++i) {
      const int32_t byte_id = byte_ids_[static_cast<uint8_t>(bytes[i])];
      if (byte_id == kNoToken) {
        return false;
      }
      symbols_.push_back({byte_id, static_cast<uint32_t>(i + 1)});
    }
    merges_.apply(symbols_);
    if (symbols_.size() == 2) {
      add(symbols_[0].id, symbols_[1].id, id);
    }
    return symbols_.size() == 2;
  }

  void split_anywhere(int32_t id) {
    const std::string_view bytes = vocabulary_.bytes(id);
    for (size_t i = 1; i < bytes.size(); ++i) {
      const auto left = vocabulary_.find(bytes.substr(0, i));
      const auto right = vocabulary_.find(bytes.substr(i));
      if (left && right) {
        add(*left, *right, id);
      }
    }
  }

  void add(int32_t left, int32_t right, int32_t id) {
    merges_.add(left, right, {static_cast<uint32_t>(id), id});
  }

  const Vocabulary& vocabulary_;
  std::vector<int32_t> byte_ids_;
  MergeTable merges_;
  std::vector<Symbol> symbols_;
};

size_t most_digits(const Vocabulary& vocabulary) {
  size_t most = 0;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string_view bytes = vocabulary.bytes(id);
    if (std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      most = std::max(most, bytes.size());
    }
  }
  return most;
}

WordStyle word_style(const Vocabulary& vocabulary, const std::string& where) {
  if (vocabulary.num_pieces() == kNumO200kRanks) {
    throw Error(fmt::format("{}: the ranks of o200k are not supported", where));
  }
  switch (most_digits(vocabulary)) {
    case 0:
    case 1:
      return WordStyle::kQwen2;
    case 2:
    case 3:
      return WordStyle::kLlama3;
    default:
      return WordStyle::kGpt2;
  }
}

}  // namespace

bool is_tiktoken(std::string_view text) {
  const std::optional<RankLine> line = parse_line(text.substr(0, text.find('\n')));
  return line.has_value() && decode_base64(line->base64).has_value() &&
         std::all_of(line->rank.begin(), line->rank.end(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

std::unique_ptr<Tokenizer> load_tiktoken_tokenizer(std::string_view text,
                                                   const TokenizerConfig& config,
                                                   const std::string& where) {
  ByteBpeSpec model;
  model.vocabulary = RankReader(where).run(text);
  model.merges = MergeFinder(model.vocabulary).run();
  model.ignores_merges = true;
  const WordStyle style = word_style(model.vocabulary, where);
  PipelineSpec spec;
  if (style == WordStyle::kQwen2) {  // Qwen's own code normalises
    spec.normalizers = load_normalizers({{"type", "NFC"}}, where);
  }
  spec.pre_tokenizers.push_back(word_split(style));
  spec.model = std::make_unique<ByteBpeModel>(std::move(model));
  spec.decoder = TokenDecoder::byte_level();
  add_config(config, ConfigIds::kTake, where, spec);
  return std::make_unique<PipelineTokenizer>(std::move(spec));
}

}  // namespace sft
