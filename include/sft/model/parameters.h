#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sft/model/linear_site.h"

namespace sft {

// A weight under its checkpoint's name. Copies share the tensor.
struct Parameter {
  std::string name;
  at::Tensor value;
  bool decays = true;  // weight decay applies: to matrices, not to norms and biases
};

// The parameters of a model, in the order in which its blocks declare them. All have one dtype and
// device. A block keeps the tensor that `add` returns; whoever fills or trains the model finds the
// same tensor here. Its storage may be exchanged after the model is built (map_weights), so a block
// keeps no views of it.
class ParameterSet {
 public:
  ParameterSet(at::ScalarType dtype, at::Device device);

  // The same names and shapes in another dtype, with values of their own.
  ParameterSet like(at::ScalarType dtype) const;

  // Declares a matrix, or a vector where `shape` has one entry, with uninitialised values.
  at::Tensor add(const std::string& name, const std::vector<int64_t>& shape);

  // Makes a linear layer known to those who attach adapters; its parameters are declared by `add`.
  void add_linear(std::shared_ptr<LinearSite> site) { linear_sites_.push_back(std::move(site)); }

  const std::vector<Parameter>& all() const { return parameters_; }
  // The linear layers in the order of their blocks: all matrices but embeddings and the output's.
  // Shared with the layers themselves, which move while a model is built, and with copies of this.
  const std::vector<std::shared_ptr<LinearSite>>& linear_sites() const { return linear_sites_; }
  // None where no parameter has this name.
  const Parameter* find(const std::string& name) const;
  int64_t num_elements() const;

 private:
  at::TensorOptions options_;
  std::vector<Parameter> parameters_;
  std::vector<std::shared_ptr<LinearSite>> linear_sites_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace sft
