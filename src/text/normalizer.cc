#include "text/normalizer.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "text/charsmap.h"
#include "text/json_field.h"
#include "text/letter_case.h"
#include "text/normal_forms.h"
#include "text/regex.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include "text/working_text.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using Steps = std::vector<std::unique_ptr<Normalizer>>;

constexpr int kDeepest = 16;  // Sequences in Sequences

// A step without settings.
class PlainStep final : public Normalizer {
 public:
  using Function = std::optional<EditedText> (*)(std::string_view text);
  explicit PlainStep(Function function) : function_(function) {}
  std::optional<EditedText> apply(std::string_view text) const override { return function_(text); }

 private:
  Function function_;
};

class PrependStep final : public Normalizer {
 public:
  explicit PrependStep(std::string prefix) : prefix_(std::move(prefix)) {}
  std::optional<EditedText> apply(std::string_view text) const override {
    if (text.empty() || prefix_.empty()) {
      return std::nullopt;
    }
    EditedText edited;
    edited.text.reserve(prefix_.size() + text.size());
    edited.text.append(prefix_).append(text);
    edited.origin.add({0, prefix_.size(), 0, 0});
    return edited;
  }

 private:
  std::string prefix_;
};

// Puts a text in the place of each match.
std::optional<EditedText> replaced(std::string_view text, std::span<const Piece> matches,
                                   std::string_view content) {
  if (matches.empty()) {
    return std::nullopt;
  }
  EditedText edited;
  size_t copied = 0;
  for (const Piece& match : matches) {
    edited.text.append(text, copied, match.begin - copied);
    const size_t begin = edited.text.size();
    edited.text += content;
    edited.origin.add({begin, edited.text.size(), match.begin, match.end});
    copied = match.end;
  }
  edited.text.append(text, copied);
  return edited;
}

class ReplaceStep final : public Normalizer {
 public:
  ReplaceStep(std::string literal, std::string content)
      : literal_(std::move(literal)), content_(std::move(content)) {}
  std::optional<EditedText> apply(std::string_view text) const override {
    std::vector<Piece> matches;
    for (size_t at = text.find(literal_); at != std::string_view::npos;
         at = text.find(literal_, at + literal_.size())) {
      matches.push_back({at, at + literal_.size()});
    }
    return replaced(text, matches, content_);
  }

 private:
  std::string literal_;
  std::string content_;
};

class RegexReplaceStep final : public Normalizer {
 public:
  RegexReplaceStep(Regex regex, std::string content)
      : regex_(std::move(regex)), content_(std::move(content)) {}
  std::optional<EditedText> apply(std::string_view text) const override {
    if (text.empty()) {
      return std::nullopt;
    }
    return replaced(text, regex_.find_all(text), content_);
  }

 private:
  Regex regex_;
  std::string content_;
};

class StripStep final : public Normalizer {
 public:
  StripStep(bool strips_left, bool strips_right)
      : strips_left_(strips_left), strips_right_(strips_right) {}
  std::optional<EditedText> apply(std::string_view text) const override {
    const auto is_space_at = [&](size_t offset) {
      return UnicodeTable::get().is_space(decode_char(text, offset).code_point);
    };
    size_t begin = 0;
    size_t end = text.size();
    while (strips_left_ && begin < end && is_space_at(begin)) {
      begin += decode_char(text, begin).size;
    }
    while (strips_right_ && end > begin && is_space_at(previous_char(text, end))) {
      end = previous_char(text, end);
    }
    if (end - begin == text.size()) {
      return std::nullopt;
    }
    EditedText edited;
    edited.text = text.substr(begin, end - begin);
    edited.origin.add({0, 0, 0, begin});
    return edited;
  }

 private:
  bool strips_left_, strips_right_;
};

class CharsmapStep final : public Normalizer {
 public:
  explicit CharsmapStep(Charsmap charsmap) : charsmap_(std::move(charsmap)) {}
  std::optional<EditedText> apply(std::string_view text) const override {
    return charsmap_.normalize_graphemes(text);
  }

 private:
  Charsmap charsmap_;
};

void add_prepend(const Json& spec, const std::string& where, Steps& steps) {
  steps.push_back(std::make_unique<PrependStep>(json_member<std::string>(spec, "prepend", where)));
}

void add_replace(const Json& spec, const std::string& where, Steps& steps) {
  const Json pattern = json_member<Json>(spec, "pattern", where);
  auto content = json_member<std::string>(spec, "content", where);
  if (pattern.is_object() && pattern.contains("Regex")) {
    Regex regex(json_member<std::string>(pattern, "Regex", where), where);
    steps.push_back(std::make_unique<RegexReplaceStep>(std::move(regex), std::move(content)));
    return;
  }
  auto literal = json_member<std::string>(pattern, "String", where);
  if (literal.empty()) {
    throw Error(fmt::format("{}: the pattern is empty", where));
  }
  steps.push_back(std::make_unique<ReplaceStep>(std::move(literal), std::move(content)));
}

void add_strip(const Json& spec, const std::string& where, Steps& steps) {
  steps.push_back(std::make_unique<StripStep>(field_or(spec, "strip_left", true, where),
                                              field_or(spec, "strip_right", true, where)));
}

void add_precompiled(const Json& spec, const std::string& where, Steps& steps) {
  const auto map = field_or<std::string>(spec, "precompiled_charsmap", "", where);
  if (!map.empty()) {
    steps.push_back(std::make_unique<CharsmapStep>(Charsmap::from_base64(map, where)));
  }
}

template <PlainStep::Function function>
void add_plain(const Json& /*spec*/, const std::string& /*where*/, Steps& steps) {
  steps.push_back(std::make_unique<PlainStep>(function));
}

struct Kind {
  std::string_view name;
  void (*add)(const Json& spec, const std::string& where, Steps& steps);
};
constexpr Kind kKinds[] = {{"NFC", add_plain<normalize_nfc>},
                           {"NFD", add_plain<normalize_nfd>},
                           {"NFKC", add_plain<normalize_nfkc>},
                           {"NFKD", add_plain<normalize_nfkd>},
                           {"Lowercase", add_plain<lower_case>},
                           {"Prepend", add_prepend},
                           {"Replace", add_replace},
                           {"Strip", add_strip},
                           {"Precompiled", add_precompiled}};

void add_steps(const Json& spec, const std::string& where, Steps& steps, int depth) {
  const auto type = json_member<std::string>(spec, "type", where);
  if (type == "Sequence" && depth < kDeepest) {
    for (const Json& item : list_field(spec, "normalizers", where)) {
      add_steps(item, where, steps, depth + 1);
    }
    return;
  }
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [&](const Kind& known) { return known.name == type; });
  if (kind == std::end(kKinds)) {
    std::string known = "Sequence";
    for (const Kind& each : kKinds) {
      known += fmt::format(", {}", each.name);
    }
    throw Error(fmt::format("{}: '{}' is not supported (known: {})", where, type, known));
  }
  kind->add(spec, where, steps);
}

}  // namespace

std::vector<std::unique_ptr<Normalizer>> load_normalizers(const Json& spec,
                                                          const std::string& where) {
  Steps steps;
  if (!spec.is_null()) {
    add_steps(spec, where, steps, 0);
  }
  return steps;
}

}  // namespace sft
