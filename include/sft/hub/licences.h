#pragma once

#include <string>

namespace sft {

// What a licence says about putting on the hub what was made from its work.
struct LicenceVerdict {
  std::string id;  // as the hub spells it: "cc-by-nc-sa-4.0"; "unknown" where there is none
  bool is_free = false;
  std::string reason;  // why not: "allows no commercial use"; "" where free
};

// Reads the id at the beginning of `text` ("cc-by-nc-4.0, stricter where a source is stricter").
// Free are those that are known to let derived works be shared by anyone for any use; all others
// have conditions that a person has to read.
LicenceVerdict judge_licence(const std::string& text);

}  // namespace sft
