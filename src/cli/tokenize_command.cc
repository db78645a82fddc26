// sft tokenize: texts to token ids, and back.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/model_names.h"
#include "cli/model_source.h"

#include "sft/core/error.h"
#include "sft/io/json.h"
#include "sft/io/jsonl.h"
#include "sft/model/adapter.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

struct TokenizeOptions {
  std::string ckpt;
  std::string text;
  std::string input;
  std::string output = "-";
  bool has_no_special_tokens = false;
  bool is_decoding = false;
  bool is_counting = false;
};

Json encoded(const Tokenizer& tokenizer, const std::string& text, const TokenizeOptions& options) {
  const Encoding encoding = tokenizer.encode(
      text, options.has_no_special_tokens ? SpecialTokens::kNone : SpecialTokens::kAdd);
  if (options.is_counting) {
    return {{"count", encoding.ids.size()}};
  }
  Json tokens = Json::array();
  for (const int32_t id : encoding.ids) {
    tokens.push_back(tokenizer.token(id));
  }
  return {{"ids", encoding.ids}, {"tokens", std::move(tokens)}};
}

Json decoded(const Tokenizer& tokenizer, const Json& ids, const std::string& where) {
  if (!ids.is_array()) {
    throw Error(fmt::format("{}: 'ids' is a {}, not a list of token ids", where, ids.type_name()));
  }
  std::vector<int32_t> checked;
  for (const Json& item : ids) {
    const int64_t id = item.is_number_integer() ? item.get<int64_t>() : -1;
    if (id < 0 || id >= tokenizer.vocab_size()) {
      throw Error(fmt::format("{}: {} is no token id; the vocabulary has 0 to {}", where,
                              dump_json(item, JsonLayout::kCompact), tokenizer.vocab_size() - 1));
    }
    checked.push_back(static_cast<int32_t>(id));
  }
  return {{"text", decode(tokenizer, checked, DecodeSpecial::kKeep)}};
}

// The tokenizer that --ckpt means: an adapter's is its base's.
std::unique_ptr<Tokenizer> find_tokenizer(const std::string& checkpoint,
                                          const CommonOptions& common) {
  const std::filesystem::path path = resolve_tokenizer(checkpoint, common);
  return load_tokenizer(is_adapter_folder(path) ? resolve_model(checkpoint, "", common).base
                                                : path);
}

int run_tokenize(const TokenizeOptions& options, const CommonOptions& common, bool has_text) {
  const std::unique_ptr<Tokenizer> tokenizer = find_tokenizer(options.ckpt, common);
  JsonlWriter writer(options.output);
  if (has_text) {
    writer.write(encoded(*tokenizer, options.text, options));
    writer.commit();
    return 0;
  }
  JsonlReader reader(options.input);
  while (const auto row = reader.next()) {
    if (options.is_decoding) {
      writer.write(
          decoded(*tokenizer, json_member<Json>(row->value, "ids", row->where), row->where));
    } else {
      writer.write(
          encoded(*tokenizer, json_member<std::string>(row->value, "text", row->where), options));
    }
  }
  writer.commit();
  return 0;
}

}  // namespace

RunCommand define_tokenize(CLI::App& app, const CommonOptions& common) {
  const auto options = std::make_shared<TokenizeOptions>();
  app.add_option("--ckpt", options->ckpt,
                 "a model's or tokenizer's folder, a tokenizer file, an adapter's folder, or "
                 "owner/name[@revision] on "
                 "the hub")
      ->required();
  auto* const text = app.add_option("--text", options->text, "the text to tokenize");
  auto* const input =
      app.add_option("--input", options->input,
                     "JSON Lines of {\"text\"}, with --decode of {\"ids\"}; - is stdin");
  app.add_option("--output", options->output, "where the JSON Lines go [-, stdout]");
  app.add_flag("--no-special-tokens", options->has_no_special_tokens, "add no BOS");
  auto* const decode =
      app.add_flag("--decode", options->is_decoding, "from ids to text, special tokens kept");
  app.add_flag("--count", options->is_counting, "only the number of tokens: {\"count\"}")
      ->excludes(decode);
  text->excludes(input)->excludes(decode);
  return [options, text, input, &common] {
    if (text->count() + input->count() == 0) {
      throw UsageError("sft tokenize: --text or --input is needed");
    }
    return run_tokenize(*options, common, text->count() > 0);
  };
}

}  // namespace sft
