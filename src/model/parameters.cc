#include "sft/model/parameters.h"

#include <ATen/ops/empty.h>

#include "sft/core/error.h"

namespace sft {

ParameterSet::ParameterSet(at::ScalarType dtype, at::Device device)
    : options_(at::TensorOptions().dtype(dtype).device(device)) {}

ParameterSet ParameterSet::like(at::ScalarType dtype) const {
  ParameterSet other(dtype, options_.device());
  for (const Parameter& parameter : parameters_) {
    other.add(parameter.name, parameter.value.sizes().vec());
  }
  return other;
}

at::Tensor ParameterSet::add(const std::string& name, const std::vector<int64_t>& shape) {
  SFT_CHECK(!index_.contains(name));
  index_.emplace(name, parameters_.size());
  parameters_.push_back(
      {.name = name, .value = at::empty(shape, options_), .decays = shape.size() > 1});
  return parameters_.back().value;
}

const Parameter* ParameterSet::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &parameters_[found->second];
}

int64_t ParameterSet::num_elements() const {
  int64_t count = 0;
  for (const Parameter& parameter : parameters_) {
    count += parameter.value.numel();
  }
  return count;
}

}  // namespace sft
