#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sft/estimate/lora_config.h"
#include "sft/model/causal_lm.h"
#include "sft/model/linear_site.h"
#include "sft/model/parameters.h"

namespace sft {

// Where an adapter goes, and with which rank and scale.
struct LoraPlace {
  std::shared_ptr<LinearSite> site;
  int64_t rank = 0;
  double scale = 1;
};

// PEFT's names of a layer's matrices.
std::string lora_a_name(const LinearSite& site);
std::string lora_b_name(const LinearSite& site);

enum class UnmatchedTarget {
  kRefuse,  // a target that no layer has is an error
  kPass,    // at least one must be there: what PEFT asks of an adapter's targets
};

// The layers that `config` targets, in the model's order. Throws UsageError for a target that
// matches nothing, listing what there is, and for a pattern that is none.
std::vector<LoraPlace> lora_places(const ParameterSet& model, const LoraConfig& config,
                                   UnmatchedTarget unmatched);

// Gives each place its branch and returns the adapter's parameters, A and B of a layer after
// another, under PEFT's names. A is Kaiming-uniform with a = sqrt(5), each from the stream of its
// own name under `seed`; B is zero, so that the model computes what it did. `seed` is dropout's
// too. The model itself must not be trained from here on.
std::vector<Parameter> attach_lora(const std::vector<LoraPlace>& places, const LoraConfig& config,
                                   uint64_t seed);

// Takes all adapters off again.
void detach_lora(const ParameterSet& model);

// For inference: keeps the attached adapter in the type that the model computes in, its scale in B,
// which gives the same numbers and spares rounding them at each call. Not to be trained any more.
void freeze_lora(const ParameterSet& model, at::ScalarType dtype);

// While one lives, the model's layers are training on these rows, and drop out. Forward and
// backward passes belong inside.
class TrainingScope {
 public:
  TrainingScope(const CausalLm& model, TrainingRows rows);
  ~TrainingScope();
  TrainingScope(const TrainingScope&) = delete;
  TrainingScope& operator=(const TrainingScope&) = delete;

 private:
  std::vector<std::shared_ptr<LinearSite>> sites_;
};

}  // namespace sft
