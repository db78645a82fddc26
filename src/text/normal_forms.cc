#include "text/normal_forms.h"

#include <algorithm>
#include <string>
#include <vector>

#include "text/unicode.h"
#include "text/utf8.h"

namespace sft {
namespace {

// Hangul syllables are composed by arithmetic (Unicode 16, section 3.12).
constexpr char32_t kSyllables = 0xAC00;
constexpr char32_t kLeads = 0x1100;
constexpr char32_t kVowels = 0x1161;
constexpr char32_t kTails = 0x11A7;  // one before the first
constexpr char32_t kNumLeads = 19;
constexpr char32_t kNumVowels = 21;
constexpr char32_t kNumTails = 28;
constexpr char32_t kNumSyllables = kNumLeads * kNumVowels * kNumTails;

struct Mark {
  char32_t code_point;
  uint8_t combining_class;
};

struct Form {
  bool is_compatible;  // NFKC, NFKD
  bool is_composed;    // NFC, NFKC
};

bool is_syllable(char32_t c) {
  return c >= kSyllables && c < kSyllables + kNumSyllables;
}

// Neither changed by the form nor by what stands before or after it.
bool is_inert(char32_t c, Form form) {
  if (form.is_compatible && !compatibility_decomposition(c).empty()) {
    return false;
  }
  if (form.is_composed) {
    return UnicodeTable::get().is_nfc_inert(c);
  }
  return c < 0x80 ||
         (combining_class(c) == 0 && !is_syllable(c) && canonical_decomposition(c).empty());
}

void decompose(char32_t c, Form form, std::vector<Mark>& marks) {
  if (is_syllable(c)) {
    const char32_t index = c - kSyllables;
    marks.push_back({kLeads + index / (kNumVowels * kNumTails), 0});
    marks.push_back({kVowels + index / kNumTails % kNumVowels, 0});
    if (const char32_t tail = index % kNumTails; tail != 0) {
      marks.push_back({kTails + tail, 0});
    }
    return;
  }
  std::span<const uint32_t> parts;
  if (form.is_compatible) {
    parts = compatibility_decomposition(c);
  }
  if (parts.empty()) {
    parts = canonical_decomposition(c);
  }
  if (parts.empty()) {
    marks.push_back({c, combining_class(c)});
  }
  for (const uint32_t part : parts) {
    marks.push_back({part, combining_class(part)});
  }
}

char32_t compose(char32_t first, char32_t second) {
  if (first >= kLeads && first < kLeads + kNumLeads && second >= kVowels &&
      second < kVowels + kNumVowels) {
    return kSyllables + ((first - kLeads) * kNumVowels + (second - kVowels)) * kNumTails;
  }
  const bool is_open_syllable = first >= kSyllables && first < kSyllables + kNumSyllables &&
                                (first - kSyllables) % kNumTails == 0;
  if (is_open_syllable && second > kTails && second < kTails + kNumTails) {
    return first + (second - kTails);
  }
  return canonical_composition(first, second);
}

// Each run of marks behind a starter, by class.
void order_canonically(std::vector<Mark>& marks) {
  auto begin = marks.begin();
  while (begin != marks.end()) {
    const auto is_starter = [](const Mark& mark) { return mark.combining_class == 0; };
    const auto first = std::find_if_not(begin, marks.end(), is_starter);
    const auto last = std::find_if(first, marks.end(), is_starter);
    std::stable_sort(first, last, [](const Mark& a, const Mark& b) {
      return a.combining_class < b.combining_class;
    });
    begin = last;
  }
}

// Joins each mark to the last starter where nothing of its class or higher stands between.
void compose_canonically(std::vector<Mark>& marks) {
  size_t size = 0;
  std::optional<size_t> starter;
  for (const Mark mark : marks) {
    if (starter.has_value()) {
      const bool is_adjacent = size == *starter + 1;
      const bool is_blocked =
          !is_adjacent && (marks[size - 1].combining_class >= mark.combining_class ||
                           marks[size - 1].combining_class == 0);
      const char32_t composite =
          is_blocked ? 0 : compose(marks[*starter].code_point, mark.code_point);
      if (composite != 0) {
        marks[*starter].code_point = composite;
        continue;
      }
    }
    if (mark.combining_class == 0) {
      starter = size;
    }
    marks[size++] = mark;
  }
  marks.resize(size);
}

std::string normalize_run(std::string_view run, Form form) {
  std::vector<Mark> marks;
  for (size_t offset = 0; offset < run.size();) {
    const DecodedChar c = decode_char(run, offset);
    decompose(c.code_point, form, marks);
    offset += c.size;
  }
  order_canonically(marks);
  if (form.is_composed) {
    compose_canonically(marks);
  }
  std::string text;
  for (const Mark& mark : marks) {
    append_utf8(mark.code_point, text);
  }
  return text;
}

// Nothing below U+0300 is changed by NFC, and ASCII by no form: most texts end here.
bool may_change(std::string_view text, Form form) {
  const uint8_t least = form.is_composed && !form.is_compatible ? 0xCC : 0x80;
  return std::any_of(text.begin(), text.end(),
                     [least](char byte) { return static_cast<uint8_t>(byte) >= least; });
}

// Finds the next run that the form may change: characters that are not inert, with the one before
// them.
struct Run {
  size_t begin, end;
};
Run next_run(std::string_view text, size_t offset, Form form) {
  size_t previous = offset;
  while (offset < text.size()) {
    const DecodedChar c = decode_char(text, offset);
    if (!is_inert(c.code_point, form)) {
      break;
    }
    previous = offset;
    offset += c.size;
  }
  Run run{offset == text.size() ? offset : previous, offset};
  while (run.end < text.size()) {
    const DecodedChar c = decode_char(text, run.end);
    if (is_inert(c.code_point, form)) {
      break;
    }
    run.end += c.size;
  }
  return run;
}

std::optional<EditedText> normalize(std::string_view text, Form form) {
  if (!may_change(text, form)) {
    return std::nullopt;
  }
  EditedText edited;
  size_t copied = 0;
  for (Run run = next_run(text, 0, form); run.begin < text.size();
       run = next_run(text, run.end, form)) {
    const std::string normal = normalize_run(text.substr(run.begin, run.end - run.begin), form);
    if (normal == text.substr(run.begin, run.end - run.begin)) {
      continue;
    }
    edited.text.append(text, copied, run.begin - copied);
    const size_t begin = edited.text.size();
    edited.text += normal;
    edited.origin.add({begin, edited.text.size(), run.begin, run.end});
    copied = run.end;
  }
  if (copied == 0) {
    return std::nullopt;
  }
  edited.text.append(text, copied);
  return edited;
}

}  // namespace

std::optional<EditedText> normalize_nfc(std::string_view text) {
  return normalize(text, {.is_compatible = false, .is_composed = true});
}

std::optional<EditedText> normalize_nfd(std::string_view text) {
  return normalize(text, {.is_compatible = false, .is_composed = false});
}

std::optional<EditedText> normalize_nfkc(std::string_view text) {
  return normalize(text, {.is_compatible = true, .is_composed = true});
}

std::optional<EditedText> normalize_nfkd(std::string_view text) {
  return normalize(text, {.is_compatible = true, .is_composed = false});
}

}  // namespace sft
