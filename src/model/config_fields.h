#pragma once

#include <string>

#include "sft/io/json.h"

namespace sft {

// A config.json's fields beside its sizes, checked as they are read. A field that is absent or null
// is as good as not there, unless said otherwise. All throw Error: file, key, what is there, what
// it must be.
class ConfigFields {
 public:
  // `json` must outlive this; `where` names it in messages.
  ConfigFields(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

  const std::string& where() const { return where_; }
  bool has(const std::string& key) const;
  // A positive, finite number into `value`, which stays where the field is not there.
  void read_positive(const std::string& key, double& value) const;
  // The same where null means none, 0, and an absent field `fallback`.
  double positive_or_none(const std::string& key, double fallback) const;
  // The text, or `fallback`.
  std::string text_or(const std::string& key, const std::string& fallback) const;
  // Refuses a field that is there and is another than the one that is supported.
  void require_text(const std::string& key, const std::string& supported) const;
  void refuse_flag(const std::string& key) const;
  // The fields of an object within.
  ConfigFields object(const std::string& key) const;

 private:
  const Json& json_;
  std::string where_;
};

}  // namespace sft
