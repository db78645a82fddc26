#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sft/estimate/train_config.h"
#include "sft/model/parameters.h"
#include "sft/ops/adamw.h"

namespace sft {

// AdamW over the trained parameters, with float32 masters, moments and gradient sums. A parameter's
// gradient is added to its sum as soon as a backward pass has made it, and given back, so that no
// second copy of all gradients ever exists. Order of calls:
//   (backward passes)* gradient_norm step, again and again; or discard in place of step.
class Optimizer {
 public:
  // `trained`: what the model computes with; gradients are enabled on them. `masters`: their
  // float32 values, of the same names and order; where a trained parameter is float32 itself, the
  // master is that very tensor.
  Optimizer(const std::vector<Parameter>& trained, const std::vector<at::Tensor>& masters,
            const OptimizationConfig& config);
  // Takes the gradient hooks off the parameters.
  ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Of the summed gradients, before clipping.
  double gradient_norm() const;
  // Clips by `norm` (of gradient_norm), updates every parameter, and zeroes the sums. `step` counts
  // from 1.
  void step(double learning_rate, int64_t step, double norm);
  // Zeroes the sums of a step that is given up.
  void discard_gradients();

  // Everything that a later run needs to go on, by name: "master.<parameter>", "mean.<parameter>",
  // "square_mean.<parameter>"; all float32, sharing memory with the optimizer's own.
  std::vector<Parameter> state() const;
  // Reads back what state() named, and rounds the masters into the weights. Throws Error where a
  // tensor is missing or of another shape.
  void load_state(const std::map<std::string, at::Tensor>& state);

  // The masters under their parameters' names.
  std::vector<Parameter> masters() const;

 private:
  struct Slot {
    std::string name;
    bool decays;
    AdamwParameter tensors;
  };
  std::vector<Slot> slots_;
  OptimizationConfig config_;
};

}  // namespace sft
