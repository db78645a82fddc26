#include "sft/results/l1_logistic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace sft {
namespace {

constexpr double kTolerance = 1e-4;
constexpr int kMostNewtonSteps = 100;
constexpr int kMostSweeps = 1000;
constexpr int kMostHalvings = 20;
constexpr double kDamping = 1e-12;  // added to the diagonal of the Hessian
constexpr double kSufficientDecrease = 0.01;
constexpr double kSmallestStep = 1e-12;
constexpr double kLargestStep = 10;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Whole numbers below a bound, without bias (Lemire's method).
class BoundedDraw {
 public:
  explicit BoundedDraw(uint32_t seed) : generator_(seed) {}

  size_t below(size_t bound) {
    const auto range = static_cast<uint32_t>(bound);
    uint64_t product = next() * range;
    if (static_cast<uint32_t>(product) < range) {
      const uint32_t threshold = (0 - range) % range;
      while (static_cast<uint32_t>(product) < threshold) {
        product = next() * range;
      }
    }
    return static_cast<size_t>(product >> 32);
  }

 private:
  uint64_t next() { return static_cast<uint64_t>(generator_()); }

  std::mt19937 generator_;
};

double l1_norm(const Features& weights) {
  double sum = 0;
  for (const double weight : weights) {
    sum += std::abs(weight);
  }
  return sum;
}

// How far a coordinate with this gradient of the smooth part is from its optimum.
double violation_at(double weight, double gradient) {
  if (weight == 0) {
    return std::max({-(gradient + 1), gradient - 1, 0.0});
  }
  return std::abs(weight > 0 ? gradient + 1 : gradient - 1);
}

// Whether a coordinate at 0 will stay there, judged by the last round's largest violation.
bool rests_at_zero(double weight, double gradient, double slack) {
  return weight == 0 && gradient + 1 > slack && gradient - 1 < -slack;
}

// The coordinates in the order of the next sweep; those at the back are set aside.
class ActiveSet {
 public:
  size_t size() const { return size_; }
  void resize(size_t size) { size_ = size; }
  size_t operator[](size_t place) const { return order_[place]; }
  void set_aside(size_t place) { std::swap(order_[place], order_[--size_]); }
  void shuffle(BoundedDraw& draw) {
    for (size_t place = 0; place < size_; ++place) {
      std::swap(order_[place + draw.below(size_ - place)], order_[place]);
    }
  }

 private:
  std::array<size_t, kNumFeatures> order_ = {0, 1, 2};
  size_t size_ = kNumFeatures;
};

class Solver {
 public:
  Solver(std::span<const LogisticRow> rows, double c, uint32_t seed) : draw_(seed) {
    for (const LogisticRow& row : rows) {
      if (row.weight > 0) {
        rows_.push_back(row);
        rows_.back().weight *= c;
      }
    }
    exp_scores_.assign(rows_.size(), 1);  // all weights are 0
    set_derivatives();
  }

  Features solve() {
    const auto count = static_cast<double>(rows_.size());
    const auto num_positive = static_cast<double>(std::count_if(
        rows_.begin(), rows_.end(), [](const LogisticRow& row) { return row.is_positive; }));
    const double tolerance =
        kTolerance * std::max(std::min(num_positive, count - num_positive), 1.0) / count;
    double slack = kInfinity;
    for (int step = 0; step < kMostNewtonSteps && !rows_.empty(); ++step) {
      const Violations violations = set_gradient(slack);
      if (step == 0) {
        first_violation_ = violations.sum;
      }
      if (violations.sum <= tolerance * first_violation_) {
        break;
      }
      const int num_sweeps = minimize_model();
      search_line();
      if (num_sweeps == 1) {
        inner_tolerance_ *= 0.25;
      }
      slack = violations.largest / count;
    }
    return weights_;
  }

 private:
  struct Violations {
    double sum = 0;
    double largest = 0;
    void add(double violation) {
      sum += violation;
      largest = std::max(largest, violation);
    }
  };

  // Of each row, weight times: the derivative's magnitude and the second derivative.
  void set_derivatives() {
    slopes_.resize(rows_.size());
    curvatures_.resize(rows_.size());
    for (size_t i = 0; i < rows_.size(); ++i) {
      const double rest = 1 / (1 + exp_scores_[i]);
      slopes_[i] = rows_[i].weight * rest;
      curvatures_[i] = rows_[i].weight * exp_scores_[i] * rest * rest;
    }
  }

  // The gradient and the Hessian's diagonal at the weights; sets aside what rests at 0.
  Violations set_gradient(double slack) {
    Violations violations;
    active_.resize(kNumFeatures);
    for (size_t place = 0; place < active_.size();) {
      const size_t j = active_[place];
      double diagonal = kDamping;
      double toward = 0;
      double negatives = 0;
      for (size_t i = 0; i < rows_.size(); ++i) {
        const double x = rows_[i].features[j];
        diagonal += x * x * curvatures_[i];
        toward += x * slopes_[i];
        negatives += rows_[i].is_positive ? 0 : rows_[i].weight * x;
      }
      diagonal_[j] = diagonal;
      gradient_[j] = negatives - toward;
      if (rests_at_zero(weights_[j], gradient_[j], slack)) {
        active_.set_aside(place);
        continue;
      }
      violations.add(violation_at(weights_[j], gradient_[j]));
      ++place;
    }
    return violations;
  }

  // Coordinate descent on the quadratic model at the weights, to `trial_`; the number of sweeps.
  int minimize_model() {
    const size_t num_active = active_.size();
    const auto count = static_cast<double>(rows_.size());
    trial_ = weights_;
    steps_.assign(rows_.size(), 0);
    double slack = kInfinity;
    for (int sweep = 1; sweep <= kMostSweeps; ++sweep) {
      active_.shuffle(draw_);
      const Violations violations = sweep_once(slack);
      slack = violations.largest / count;
      if (violations.sum <= inner_tolerance_ * first_violation_) {
        if (active_.size() == num_active) {
          return sweep;
        }
        active_.resize(num_active);  // look once more at what was set aside
        slack = kInfinity;
      }
    }
    return kMostSweeps;
  }

  Violations sweep_once(double slack) {
    Violations violations;
    for (size_t place = 0; place < active_.size();) {
      const size_t j = active_[place];
      double gradient = gradient_[j] + (trial_[j] - weights_[j]) * kDamping;
      for (size_t i = 0; i < rows_.size(); ++i) {
        gradient += rows_[i].features[j] * curvatures_[i] * steps_[i];
      }
      if (rests_at_zero(trial_[j], gradient, slack)) {
        active_.set_aside(place);
        continue;
      }
      violations.add(violation_at(trial_[j], gradient));
      move(j, gradient);
      ++place;
    }
    return violations;
  }

  // To the minimum of the model along one coordinate.
  void move(size_t j, double gradient) {
    const double curvature = diagonal_[j];
    double step = -trial_[j];
    if (gradient + 1 < curvature * trial_[j]) {
      step = -(gradient + 1) / curvature;
    } else if (gradient - 1 > curvature * trial_[j]) {
      step = -(gradient - 1) / curvature;
    }
    if (std::abs(step) < kSmallestStep) {
      return;
    }
    step = std::clamp(step, -kLargestStep, kLargestStep);
    trial_[j] += step;
    for (size_t i = 0; i < rows_.size(); ++i) {
      steps_[i] += rows_[i].features[j] * step;
    }
  }

  // Goes from the weights toward `trial_`, half as far until the loss falls enough.
  void search_line() {
    double expected = l1_norm(trial_) - l1_norm(weights_);
    for (size_t j = 0; j < kNumFeatures; ++j) {
      expected += gradient_[j] * (trial_[j] - weights_[j]);
    }
    for (int halving = 0; halving < kMostHalvings; ++halving) {
      if (loss_change() <= kSufficientDecrease * expected) {
        weights_ = trial_;
        for (size_t i = 0; i < rows_.size(); ++i) {
          exp_scores_[i] *= std::exp(steps_[i]);
        }
        set_derivatives();
        return;
      }
      for (size_t j = 0; j < kNumFeatures; ++j) {
        trial_[j] = (weights_[j] + trial_[j]) * 0.5;
      }
      for (double& step : steps_) {
        step *= 0.5;
      }
      expected *= 0.5;
    }
  }

  double loss_change() const {
    double change = l1_norm(trial_) - l1_norm(weights_);
    for (size_t i = 0; i < rows_.size(); ++i) {
      const double exp_step = std::exp(steps_[i]);
      const double exp_score = exp_scores_[i] * exp_step;
      change += rows_[i].is_positive ? 0 : rows_[i].weight * steps_[i];
      change += rows_[i].weight * std::log((1 + exp_score) / (exp_step + exp_score));
    }
    return change;
  }

  BoundedDraw draw_;
  std::vector<LogisticRow> rows_;
  Features weights_{};
  Features trial_{};
  Features gradient_{};
  Features diagonal_{};
  ActiveSet active_;
  std::vector<double> exp_scores_;  // exp(weights . features) of each row
  std::vector<double> steps_;       // (trial - weights) . features
  std::vector<double> slopes_;
  std::vector<double> curvatures_;
  double first_violation_ = 0;
  double inner_tolerance_ = 1;
};

}  // namespace

Features fit_l1_logistic(std::span<const LogisticRow> rows, double c, uint32_t seed) {
  return Solver(rows, c, seed).solve();
}

double logistic_probability(const Features& weights, const Features& features) {
  double score = 0;
  for (size_t j = 0; j < kNumFeatures; ++j) {
    score += weights[j] * features[j];
  }
  return 1 / (1 + std::exp(-score));
}

}  // namespace sft
