#include "sft/model/lora.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "model/name_pattern.h"

#include "sft/core/error.h"
#include "sft/core/rng.h"
#include "sft/core/table.h"

namespace sft {
namespace {

using at::Tensor;

constexpr const char* kPrefix = "base_model.model.";

// "q_proj" is the end of "model.layers.0.self_attn.q_proj", and so is the whole.
bool is_end_of(std::string_view target, std::string_view name) {
  return name == target || (name.size() > target.size() && name.ends_with(target) &&
                            name[name.size() - target.size() - 1] == '.');
}

// What targets are usually written as: the last parts of the layers' names.
std::vector<std::string> known_targets(const ParameterSet& model) {
  std::set<std::string> known;
  for (const auto& site : model.linear_sites()) {
    known.insert(site->name.substr(site->name.rfind('.') + 1));
  }
  return {known.begin(), known.end()};
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

void check_names(const ParameterSet& model, const LoraTargets& targets) {
  std::vector<std::string> faults;
  for (const std::string& target : targets.names) {
    const auto& sites = model.linear_sites();
    if (std::ranges::none_of(sites,
                             [&](const auto& site) { return is_end_of(target, site->name); })) {
      faults.push_back("lora.targets: " +
                       unknown_name("linear layer", target, known_targets(model)));
    }
  }
  if (!faults.empty()) {
    throw UsageError(std::move(faults));
  }
}

// Ranks or alphas of their own: the first pattern that the end of a name matches.
template <typename Number>
class Patterns {
 public:
  Patterns(const std::vector<std::pair<std::string, Number>>& rows, const std::string& where) {
    for (const auto& [pattern, value] : rows) {
      rows_.emplace_back(NamePattern("(?:.*\\.)?(?:" + pattern + ")", where), value);
    }
  }

  Number find(const std::string& name, Number fallback) const {
    for (const auto& [pattern, value] : rows_) {
      if (pattern.matches(name)) {
        return value;
      }
    }
    return fallback;
  }

 private:
  std::vector<std::pair<NamePattern, Number>> rows_;
};

double scale_of(const LoraConfig& config, double alpha, int64_t rank) {
  const auto divisor = static_cast<double>(rank);
  return alpha / (config.is_rank_stabilized ? std::sqrt(divisor) : divisor);
}

// Uniform within +-1/sqrt(in): Kaiming's bound sqrt(6 / ((1 + a^2) in)) with a = sqrt(5).
Tensor random_a(int64_t rank, int64_t in, const Rng& rng) {
  Tensor a = at::empty({rank, in}, at::TensorOptions().dtype(at::kFloat));
  auto* const data = a.mutable_data_ptr<float>();
  const auto bound = static_cast<float>(1 / std::sqrt(static_cast<double>(in)));
  for (int64_t i = 0; i < a.numel(); ++i) {
    data[i] = bound * (2 * rng.uniform(static_cast<uint64_t>(i)) - 1);
  }
  return a;
}

}  // namespace

std::string lora_a_name(const LinearSite& site) {
  return kPrefix + site.name + ".lora_A.weight";
}
std::string lora_b_name(const LinearSite& site) {
  return kPrefix + site.name + ".lora_B.weight";
}

std::vector<LoraPlace> lora_places(const ParameterSet& model, const LoraConfig& config,
                                   UnmatchedTarget unmatched) {
  const LoraTargets& targets = config.targets;
  if (unmatched == UnmatchedTarget::kRefuse) {
    check_names(model, targets);
  }
  std::optional<NamePattern> pattern;
  if (!targets.pattern.empty()) {
    pattern.emplace(targets.pattern, "target_modules");
  }
  const Patterns<int64_t> ranks(config.rank_pattern, "rank_pattern");
  const Patterns<double> alphas(config.alpha_pattern, "alpha_pattern");
  std::vector<LoraPlace> places;
  for (const auto& site : model.linear_sites()) {
    const bool is_target = targets.is_all_linear ||
                           (pattern.has_value() && pattern->matches(site->name)) ||
                           std::ranges::any_of(targets.names, [&](const std::string& target) {
                             return is_end_of(target, site->name);
                           });
    if (is_target) {
      const int64_t rank = ranks.find(site->name, config.rank);
      const double alpha = alphas.find(site->name, config.alpha);
      places.push_back({.site = site, .rank = rank, .scale = scale_of(config, alpha, rank)});
    }
  }
  if (places.empty()) {
    throw UsageError("targets '" +
                     (targets.pattern.empty() ? listed(targets.names) : targets.pattern) +
                     "' match no linear layer; known: " + listed(known_targets(model)));
  }
  return places;
}

std::vector<Parameter> attach_lora(const std::vector<LoraPlace>& places, const LoraConfig& config,
                                   uint64_t seed) {
  std::vector<Parameter> parameters;
  for (const LoraPlace& place : places) {
    LinearSite& site = *place.site;
    SFT_CHECK(!site.lora.has_value());
    const int64_t out = site.weight.size(0);
    const at::Device device = site.weight.device();
    const Rng rng(seed, lora_a_name(site));
    site.lora = {
        .a = random_a(place.rank, site.weight.size(1), rng).to(device),
        .b = at::zeros({out, place.rank}, at::TensorOptions().dtype(at::kFloat).device(device)),
        .scale = place.scale,
        .dropout = config.dropout,
        .seed = seed};
    parameters.push_back({.name = lora_a_name(site), .value = site.lora->a});
    parameters.push_back({.name = lora_b_name(site), .value = site.lora->b});
  }
  return parameters;
}

void detach_lora(const ParameterSet& model) {
  for (const auto& site : model.linear_sites()) {
    site->lora.reset();
  }
}

void freeze_lora(const ParameterSet& model, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  for (const auto& site : model.linear_sites()) {
    if (site->lora.has_value()) {
      LoraBranch& lora = *site->lora;
      lora.a = lora.a.to(dtype);
      lora.b = (lora.b * lora.scale).to(dtype);
      lora.scale = 1;
    }
  }
}

TrainingScope::TrainingScope(const CausalLm& model, TrainingRows rows)
    : sites_(model.parameters().linear_sites()) {
  const auto shared = std::make_shared<const TrainingRows>(std::move(rows));
  for (const auto& site : sites_) {
    site->rows = shared;
  }
}

TrainingScope::~TrainingScope() {
  for (const auto& site : sites_) {
    site->rows = nullptr;
  }
}

}  // namespace sft
