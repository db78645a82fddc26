// GGUF's tokenizer keys (ggml-org/ggml, docs/gguf.md): tokenizer.ggml.model "gpt2" is byte-level
// BPE; tokens in byte letters by id, merges as "left right", a type for each token. How words are
// cut is not written out but named, by tokenizer.ggml.pre. "llama" is a sentencepiece BPE: tokens
// with scores, from which sentencepiece_merges.h makes merges.

#include "sft/text/gguf_tokenizer.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "text/sentencepiece_merges.h"
#include "text/tokenizer_files.h"
#include "text/utf8.h"
#include "text/word_patterns.h"

#include "sft/core/error.h"
#include "sft/core/table.h"

namespace sft {
namespace {

constexpr const char* kSpaceLetter = "\xE2\x96\x81";  // U+2581

enum TokenType : int64_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

// Words as GPT-2 has them.
Json gpt2_words() {
  return byte_level_json(/*uses_regex=*/true);
}

// GPT-2's words, digits one by one.
Json digit_words() {
  return {{"type", "Sequence"},
          {"pretokenizers",
           Json::array({Json{{"type", "Digits"}, {"individual_digits", true}}, gpt2_words()})}};
}

Json split_words(WordStyle style) {
  const Json split = {{"type", "Split"},
                      {"pattern", {{"Regex", word_regex(style)}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  return {{"type", "Sequence"},
          {"pretokenizers", Json::array({split, byte_level_json(/*uses_regex=*/false)})}};
}

Json qwen2_words() {
  return split_words(WordStyle::kQwen2);
}

Json llama3_words() {
  return split_words(WordStyle::kLlama3);
}

// What a name of tokenizer.ggml.pre stands for.
struct GgufPreTokenizer {
  std::string_view name;
  Json (*words)();
  bool normalizes = false;  // NFC
  bool ignores_merges = false;
  bool adds_bos = false;  // where the file does not say
};
constexpr GgufPreTokenizer kPreTokenizers[] = {
    {.name = "default", .words = gpt2_words},
    {.name = "gpt-2", .words = gpt2_words},
    {.name = "olmo", .words = gpt2_words, .normalizes = true},
    {.name = "smollm", .words = digit_words},
    {.name = "starcoder", .words = digit_words},
    {.name = "llama-bpe", .words = llama3_words, .ignores_merges = true, .adds_bos = true},
    {.name = "llama3", .words = llama3_words, .ignores_merges = true, .adds_bos = true},
    {.name = "qwen2", .words = qwen2_words, .normalizes = true},
};

class GgufTokenizerReader {
 public:
  explicit GgufTokenizerReader(const GgufFile& file) : file_(file), where_(file.path().string()) {}

  TokenizerFiles run() {
    const auto& model = file_.get<std::string>("tokenizer.ggml.model");
    if (model != "gpt2" && model != "llama") {
      throw Error(fmt::format("{}: tokenizer.ggml.model '{}' is not supported (known: gpt2, llama)",
                              where_, model));
    }
    bool adds_bos = true;  // where the file does not say
    if (model == "gpt2") {
      const GgufPreTokenizer& pre = pre_tokenizer();
      files_.pre_tokenizer = pre.words();
      files_.normalizer = pre.normalizes ? Json{{"type", "NFC"}} : Json();
      files_.ignores_merges = pre.ignores_merges;
      adds_bos = pre.adds_bos;
      read_tokens();
      read_merges();
    } else {
      read_tokens();
      read_sentencepiece();
    }
    files_.bos = special_token("bos");
    files_.eos = special_token("eos");
    files_.pad = special_token("padding");
    files_.unk = special_token("unknown");
    read_settings(adds_bos);
    return std::move(files_);
  }

 private:
  const GgufPreTokenizer& pre_tokenizer() const {
    const auto* const name = file_.find_as<std::string>("tokenizer.ggml.pre");
    try {
      return find_entry(std::span<const GgufPreTokenizer>(kPreTokenizers), "tokenizer.ggml.pre",
                        name == nullptr ? "default" : *name);
    } catch (const UsageError& error) {  // the file's fault, not the command line's
      throw Error(fmt::format("{}: {}", where_, error.what()));
    }
  }

  void read_tokens() {
    const auto& tokens = file_.get<std::vector<std::string>>("tokenizer.ggml.tokens");
    const auto* const types = file_.find_as<std::vector<int64_t>>("tokenizer.ggml.token_type");
    if (types != nullptr && types->size() != tokens.size()) {
      throw Error(
          fmt::format("{}: {} tokens in tokenizer.ggml.tokens, {} in tokenizer.ggml.token_type",
                      where_, tokens.size(), types->size()));
    }
    for (size_t i = 0; i < tokens.size(); ++i) {
      const auto id = static_cast<int32_t>(i);
      const int64_t type = types == nullptr ? int64_t{kNormal} : (*types)[i];
      if (type == kUnused) {  // padding of the embedding; no text gives it
        continue;
      }
      if (!is_valid_utf8(tokens[i])) {
        throw Error(fmt::format("{}: token {} is not UTF-8", where_, id));
      }
      if (const auto [first, is_new] = ids_.emplace(tokens[i], id); !is_new) {
        throw Error(fmt::format("{}: tokens {} and {} are both '{}'", where_, first->second, id,
                                tokens[i]));
      }
      files_.vocab.push_back({tokens[i], id});
      if (type == kControl || type == kUnknown || type == kUserDefined) {
        add_token(tokens[i], id, type != kUserDefined);
      }
    }
  }

  void add_token(const std::string& text, int32_t id, bool is_special) {
    AddedToken token;
    token.id = id;
    token.content = text;
    token.is_special = is_special;
    token.is_normalized = false;
    files_.added_tokens.push_back(std::move(token));
  }

  void read_merges() {
    const auto& merges = file_.get<std::vector<std::string>>("tokenizer.ggml.merges");
    for (size_t rank = 0; rank < merges.size(); ++rank) {
      const std::string& merge = merges[rank];
      const size_t space = merge.find(' ', 1);  // byte letters hold no space
      const std::string left = merge.substr(0, space);
      const std::string right = space == std::string::npos ? "" : merge.substr(space + 1);
      if (!ids_.contains(left) || !ids_.contains(right) || !ids_.contains(left + right)) {
        throw Error(fmt::format("{}: merge {} is '{}': not two tokens that make a third", where_,
                                rank, merge));
      }
      files_.merges.emplace_back(left, right);
    }
  }

  // As transformers turns such a model into a tokenizer.json.
  void read_sentencepiece() {
    const auto& scores = file_.get<std::vector<double>>("tokenizer.ggml.scores");
    const auto& tokens = file_.get<std::vector<std::string>>("tokenizer.ggml.tokens");
    if (scores.size() != tokens.size()) {
      throw Error(fmt::format("{}: {} tokens in tokenizer.ggml.tokens, {} in tokenizer.ggml.scores",
                              where_, tokens.size(), scores.size()));
    }
    // No merge leads from or to what text does not give.
    std::vector<TokenizerFiles::Token> plain;
    std::copy_if(files_.vocab.begin(), files_.vocab.end(), std::back_inserter(plain),
                 [this](const TokenizerFiles::Token& token) {
                   return std::none_of(
                       files_.added_tokens.begin(), files_.added_tokens.end(),
                       [&](const AddedToken& added) { return added.id == token.id; });
                 });
    files_.merges = sentencepiece_merges(plain, scores, where_);
    files_.has_byte_fallback = true;
    const auto* const prefix = file_.find_as<bool>("tokenizer.ggml.add_space_prefix");
    const bool has_prefix = prefix == nullptr || *prefix;
    const Json space = {
        {"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpaceLetter}};
    Json normalizers = Json::array({space});
    Json decoders = Json::array(
        {Json{{"type", "Replace"}, {"pattern", {{"String", kSpaceLetter}}}, {"content", " "}},
         Json{{"type", "ByteFallback"}}, Json{{"type", "Fuse"}}});
    if (has_prefix) {
      normalizers.insert(normalizers.begin(), Json{{"type", "Prepend"}, {"prepend", kSpaceLetter}});
      decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    }
    files_.normalizer = {{"type", "Sequence"}, {"normalizers", std::move(normalizers)}};
    files_.decoder = {{"type", "Sequence"}, {"decoders", std::move(decoders)}};
  }

  std::optional<std::string> special_token(const std::string& name) {
    const std::string key = "tokenizer.ggml." + name + "_token_id";
    const auto* const id = file_.find_as<int64_t>(key);
    if (id == nullptr) {
      return std::nullopt;
    }
    const auto by_id = [](const TokenizerFiles::Token& token, int64_t wanted) {
      return token.id < wanted;
    };
    const auto found = std::lower_bound(files_.vocab.begin(), files_.vocab.end(), *id, by_id);
    if (found == files_.vocab.end() || found->id != *id) {
      throw Error(fmt::format("{}: {} is {}, which is no token of the {}", where_, key, *id,
                              files_.vocab.size()));
    }
    make_special(*found);
    return found->text;
  }

  // BOS, EOS and the like are special even where the file calls them ordinary.
  void make_special(const TokenizerFiles::Token& token) {
    for (AddedToken& added : files_.added_tokens) {
      if (added.id == token.id) {
        added.is_special = true;
        return;
      }
    }
    add_token(token.text, token.id, /*is_special=*/true);
    std::sort(files_.added_tokens.begin(), files_.added_tokens.end(),
              [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  }

  void read_settings(bool adds_bos_by_kind) {
    const auto* const adds_bos = file_.find_as<bool>("tokenizer.ggml.add_bos_token");
    files_.adds_bos =
        (adds_bos == nullptr ? adds_bos_by_kind : *adds_bos) && files_.bos.has_value();
    if (const auto* const chat = file_.find_as<std::string>("tokenizer.chat_template")) {
      files_.chat_template = *chat;
    }
    const auto* const architecture = file_.find_as<std::string>("general.architecture");
    if (architecture != nullptr) {
      const auto* const length = file_.find_as<int64_t>(*architecture + ".context_length");
      files_.model_max_length = length == nullptr ? std::nullopt : std::optional<int64_t>(*length);
    }
  }

  const GgufFile& file_;
  std::string where_;
  TokenizerFiles files_;
  std::unordered_map<std::string, int32_t> ids_;
};

}  // namespace

void write_gguf_tokenizer(const GgufFile& file, const std::filesystem::path& folder) {
  write_tokenizer_files(GgufTokenizerReader(file).run(), folder);
}

}  // namespace sft
