#pragma once

#include <string>

#include "sft/data/prepared_set.h"
#include "sft/io/json.h"

namespace sft {

// The JSON forms of what set.json and data.json share.
Json source_files_json(const std::vector<SourceFile>& files);
Json dropped_json(const DropCounts& dropped);

// set.json: {"key": what the set's name is the hash of, "datasets", "validation_datasets",
// "lengths"}. Reading throws Error for a file that is not of this form.
Json set_json(const PreparedSet& set, const Json& key);
void read_set_json(const Json& json, const std::string& where, PreparedSet& set);

// A recipe's part in a set: what decides which samples its files give.
Json recipe_json(const DatasetSpec& spec);

}  // namespace sft
