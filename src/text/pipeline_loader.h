#pragma once

#include <memory>
#include <string>

#include "text/pipeline_tokenizer.h"
#include "text/tokenizer_config.h"
#include "text/tokenizer_json.h"

#include "sft/text/tokenizer.h"

namespace sft {

// The tokenizer of a tokenizer.json and its config; `where` names the file. Throws Error: what is
// broken, or what is not supported, by name.
std::unique_ptr<Tokenizer> load_pipeline_tokenizer(const TokenizerJson& json,
                                                   const TokenizerConfig& config,
                                                   const std::string& where);

// Adds the config's tokens, BOS and EOS to what another file made. Where `takes_ids`, tokens have
// the ids that the config gives them; else, as in transformers, one that is not known gets the next
// free id.
enum class ConfigIds { kIgnore, kTake };
void add_config(const TokenizerConfig& config, ConfigIds ids, const std::string& where,
                PipelineSpec& spec);

}  // namespace sft
