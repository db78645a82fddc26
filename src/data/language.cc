#include "sft/data/language.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <utf8proc.h>

#include "sft/data/overlap.h"

namespace sft {
namespace {

struct Script {
  std::string_view language;
  utf8proc_int32_t first;
  utf8proc_int32_t last;
};
// Kana before Han: a Japanese text has both, a Chinese one has no kana.
constexpr std::array<Script, 10> kScripts = {{{"ja", 0x3040, 0x30FF},
                                              {"zh", 0x3400, 0x9FFF},
                                              {"ko", 0xAC00, 0xD7A3},
                                              {"ru", 0x0400, 0x04FF},
                                              {"ar", 0x0600, 0x06FF},
                                              {"he", 0x0590, 0x05FF},
                                              {"el", 0x0370, 0x03FF},
                                              {"hi", 0x0900, 0x097F},
                                              {"th", 0x0E00, 0x0E7F},
                                              {"", 0x0041, 0x024F}}};
constexpr size_t kLatin = kScripts.size() - 1;

// Words that are frequent in one of these languages and rare or absent in the others.
struct SmallWords {
  std::string_view language;
  std::array<std::string_view, 14> words;
};
constexpr std::array<SmallWords, 7> kSmallWords = {{
    {"en",
     {"the", "and", "of", "to", "is", "that", "it", "for", "with", "you", "are", "this", "be",
      "not"}},
    {"de",
     {"der", "die", "und", "das", "ist", "nicht", "ein", "eine", "zu", "den", "mit", "auf", "sich",
      "wie"}},
    {"fr",
     {"le", "les", "des", "et", "est", "une", "dans", "qui", "pour", "pas", "sur", "vous", "au",
      "avec"}},
    {"es",
     {"el", "los", "las", "y", "una", "por", "con", "para", "su", "del", "como", "es", "lo",
      "pero"}},
    {"it",
     {"il", "di", "che", "gli", "della", "non", "sono", "per", "una", "anche", "dei", "nel",
      "questo", "con"}},
    {"pt",
     {"o", "os", "uma", "em", "um", "para", "com", "dos", "das", "ao", "mais", "voc\xC3\xAA",
      "s\xC3\xA3o", "por"}},
    {"nl",
     {"het", "een", "van", "en", "dat", "niet", "op", "te", "zijn", "voor", "met", "aan", "ook",
      "je"}},
}};

constexpr size_t kFewestLetters = 20;
constexpr size_t kFewestWords = 12;
constexpr double kClearPart = 0.3;       // of all letters, for scripts that mix with Latin ones
constexpr double kSmallWordPart = 0.12;  // of all words
constexpr double kLead = 1.5;            // over the next language

std::array<size_t, kScripts.size()> count_letters(std::string_view text) {
  std::array<size_t, kScripts.size()> counts = {};
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t c = 0;
    const utf8proc_ssize_t size = std::max<utf8proc_ssize_t>(utf8proc_iterate(at, left, &c), 1);
    for (size_t i = 0; i < kScripts.size(); ++i) {
      if (c >= kScripts.at(i).first && c <= kScripts.at(i).last) {
        ++counts.at(i);
        break;
      }
    }
    at += size;
    left -= size;
  }
  return counts;
}

std::string_view by_small_words(std::string_view text) {
  const std::vector<std::string> words = normalized_words(text);
  if (words.size() < kFewestWords) {
    return "";
  }
  std::string_view best;
  double most = 0;
  double second = 0;
  for (const SmallWords& language : kSmallWords) {
    const auto count = static_cast<double>(std::ranges::count_if(words, [&](const auto& word) {
      return std::ranges::find(language.words, word) != language.words.end();
    }));
    if (count > most) {
      second = most;
      most = count;
      best = language.language;
    } else {
      second = std::max(second, count);
    }
  }
  const bool is_clear =
      most >= kSmallWordPart * static_cast<double>(words.size()) && most >= kLead * second;
  return is_clear ? best : "";
}

}  // namespace

std::string_view guess_language(std::string_view text) {
  const auto counts = count_letters(text);
  size_t total = 0;
  for (const size_t count : counts) {
    total += count;
  }
  if (total < kFewestLetters) {
    return "";
  }
  // A tenth of kana makes a text of Han letters Japanese.
  constexpr size_t kKanaPart = 10;
  if (counts[0] * kKanaPart > total &&
      static_cast<double>(counts[0] + counts[1]) > kClearPart * static_cast<double>(total)) {
    return "ja";
  }
  for (size_t i = 1; i < kLatin; ++i) {
    if (static_cast<double>(counts.at(i)) > kClearPart * static_cast<double>(total)) {
      return kScripts.at(i).language;
    }
  }
  return by_small_words(text);
}

}  // namespace sft
