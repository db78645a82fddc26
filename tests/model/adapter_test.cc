// Adapters on disk, and merged: values of peft are in tests/reference/lora_reference.py's files.

#include "sft/model/adapter.h"

#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lora_reference.h"
#include "message_of.h"
#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/io/safetensors.h"
#include "sft/model/merge.h"
#include "sft/model/weights.h"

namespace sft {
namespace {

namespace fs = std::filesystem;
using at::Tensor;
using testing::HasSubstr;

// A case's base and adapter as folders, `base` and `adapter`.
class AdapterFiles : public testing::Test {
 protected:
  explicit AdapterFiles(const std::string& name = "all_linear") : values_(lora_values(name)) {}

  void SetUp() override {
    values_of_base_ = reference_values(values_.at("model").get<std::string>());
    model_ = reference_model(values_of_base_, at::kFloat);
    fs::create_directories(path("adapter"));
    write_base("base", DType::kF32);
    parameters_ = attach_reference_adapter(*model_, values_);
    write_adapter(path("adapter"), {.lora = lora_config_of(values_), .base_model = "base"},
                  parameters_);
    detach_lora(model_->parameters());
  }

  fs::path path(const std::string& name) const { return folder_.path() / name; }

  void write_base(const std::string& name, DType dtype) const {
    folder_.write(name + "/config.json", values_of_base_.at("config").dump());
    save_weights(model_->parameters().all(), dtype, path(name));
  }

  LoadedAdapter load() const {
    const AdapterFolder adapter = read_adapter_folder(path("adapter"));
    detach_lora(model_->parameters());
    return load_adapter(model_->parameters(), adapter, adapter.config.lora, /*seed=*/0);
  }

  void change_config(const std::function<void(Json&)>& edit) const {
    Json json = read_json(path("adapter/adapter_config.json"));
    edit(json);
    folder_.write("adapter/adapter_config.json", json.dump());
  }
  // Writes the adapter's tensors anew after `edit`.
  void change_tensors(const std::function<void(std::map<std::string, Tensor>&)>& edit) const {
    std::map<std::string, Tensor> tensors;
    for (const Parameter& parameter : parameters_) {
      tensors[parameter.name] = parameter.value.clone();
    }
    edit(tensors);
    std::vector<NamedTensor> views;
    for (const auto& [name, tensor] : tensors) {
      views.push_back({name, as_view(tensor)});
    }
    write_safetensors(path("adapter") / kAdapterWeightsFile, std::move(views));
  }

  static constexpr const char* kA =
      "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";

  TempFolder folder_;
  Json values_;
  Json values_of_base_;
  std::unique_ptr<CausalLm> model_;
  std::vector<Parameter> parameters_;
};

TEST_F(AdapterFiles, WhatIsWrittenReadsBackEqual) {
  const LoadedAdapter loaded = load();
  ASSERT_EQ(loaded.parameters.size(), parameters_.size());
  for (size_t i = 0; i < parameters_.size(); ++i) {
    EXPECT_EQ(loaded.parameters[i].name, parameters_[i].name);
    EXPECT_TRUE(at::equal(loaded.parameters[i].value, parameters_[i].value));
  }
  EXPECT_EQ(loaded.sha256,
            weights_sha256(SafetensorsFile(path("adapter") / kAdapterWeightsFile).tensors()));
}

TEST_F(AdapterFiles, AllLinearLayersAreWrittenByTheirNames) {
  fs::create_directories(path("new"));
  write_adapter(path("new"), {}, parameters_);
  EXPECT_EQ(read_json(path("new/adapter_config.json")).at("target_modules"),
            Json::parse(R"(["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj",
                            "v_proj"])"));
}

TEST_F(AdapterFiles, ReadsEveryFloatingType) {
  for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
    change_tensors([&](auto& tensors) {
      for (auto& [name, tensor] : tensors) {
        tensor = tensor.to(type);
      }
    });
    const LoadedAdapter loaded = load();
    EXPECT_EQ(loaded.parameters[0].value.scalar_type(), at::kFloat);
    EXPECT_TRUE(
        at::equal(loaded.parameters[0].value, parameters_[0].value.to(type).to(at::kFloat)));
  }
}

TEST_F(AdapterFiles, NaNIsNeitherReadNorWritten) {
  change_tensors(
      [](auto& tensors) { tensors.at(kA)[1][3] = std::numeric_limits<float>::quiet_NaN(); });
  EXPECT_THAT(message_of([&] { load(); }),
              HasSubstr(std::string("adapter_model.safetensors: ") + kA + ": element 67 is NaN"));
  parameters_[1].value[0][0] = std::numeric_limits<float>::infinity();
  fs::create_directories(path("new"));
  EXPECT_THAT(message_of([&] { write_adapter(path("new"), {}, parameters_); }),
              HasSubstr(parameters_[1].name + " holds NaN or infinite values"));
  EXPECT_TRUE(fs::is_empty(path("new")));
}

TEST_F(AdapterFiles, TensorsThatDoNotFitAreNamed) {
  change_tensors([](auto& tensors) { tensors.at(kA) = at::zeros({4, 63}); });
  EXPECT_THAT(message_of([&] { load(); }),
              HasSubstr("q_proj.lora_A.weight: shape [4, 63] in the file, [4, 64] by"));
  change_tensors([](auto& tensors) { tensors.erase(kA); });
  EXPECT_THAT(message_of([&] { load(); }),
              HasSubstr("q_proj.lora_A.weight is missing, adapter_config.json asks for it"));
  change_tensors([](auto& tensors) {
    tensors["base_model.model.lm_head.lora_A.weight"] = at::zeros({4, 64});
  });
  EXPECT_THAT(message_of([&] { load(); }),
              HasSubstr("base_model.model.lm_head.lora_A.weight: no adapter of a linear layer"));
}

TEST_F(AdapterFiles, ARankThatIsNotTheFilesIsRefusedBeforeAnythingIsAllocated) {
  change_config([](Json& json) { json["r"] = 1'000'000; });
  EXPECT_THAT(message_of([&] { load(); }), HasSubstr("[1000000, 96] by adapter_config.json"));
}

TEST_F(AdapterFiles, TargetsThatTheModelLacksAreRefused) {
  change_config([](Json& json) { json["target_modules"] = {"c_attn"}; });
  EXPECT_THAT(message_of([&] { load(); }),
              HasSubstr("adapter_config.json: targets 'c_attn' match no linear layer"));
  change_config([](Json& json) { json["target_modules"] = {"q_proj"}; });
  EXPECT_THAT(message_of([&] { load(); }), HasSubstr("no adapter of a linear layer"));
}

TEST_F(AdapterFiles, MissingFilesSayWhatAnAdapterIs) {
  fs::rename(path("adapter") / kAdapterWeightsFile, path("adapter/adapter_model.bin"));
  EXPECT_THAT(message_of([&] { load(); }), HasSubstr("save the adapter as safetensors"));
  EXPECT_THAT(message_of([&] { read_adapter_folder(path("none")); }),
              HasSubstr("an adapter is a folder with adapter_config.json"));
}

TEST_F(AdapterFiles, TellsAnAdapterFromAModel) {
  EXPECT_TRUE(is_adapter_folder(path("adapter")));
  EXPECT_FALSE(is_adapter_folder(path("base")));
  EXPECT_FALSE(is_adapter_folder(path("none")));
}

TEST_F(AdapterFiles, FindsItsBaseFromAFolderAboveIt) {
  const auto base = find_base(read_adapter_folder(path("adapter")));
  ASSERT_TRUE(base.has_value());
  EXPECT_TRUE(fs::equivalent(*base, path("base")));
  change_config([](Json& json) { json["base_model_name_or_path"] = nullptr; });
  EXPECT_FALSE(find_base(read_adapter_folder(path("adapter"))).has_value());
  folder_.write("adapter/sft.json", R"({"base": {"name": "base"}})");
  EXPECT_TRUE(find_base(read_adapter_folder(path("adapter"))).has_value());
}

TEST_F(AdapterFiles, ItsBaseIsKnownByItsHash) {
  folder_.write("adapter/sft.json", R"({"base": {"name": "base", "weights_sha256": "ab"}})");
  const AdapterFolder adapter = read_adapter_folder(path("adapter"));
  EXPECT_NO_THROW(check_base(adapter, "base", "ab"));
  EXPECT_THAT(message_of([&] { check_base(adapter, "base", "cd"); }),
              HasSubstr("was trained on a base with weights_sha256 ab, base has cd"));
}

class MergedFiles : public AdapterFiles, public testing::WithParamInterface<std::string> {
 protected:
  MergedFiles() : AdapterFiles(GetParam()) {}
};

TEST_P(MergedFiles, EqualPeftsMergeAndUnload) {
  fs::create_directories(path("merged"));
  const AdapterFolder adapter = read_adapter_folder(path("adapter"));
  const MergeResult result = merge_lora(path("base"), adapter, path("merged"));
  const SafetensorsFolder files(path("merged"));
  EXPECT_EQ(result.weights_sha256, weights_sha256(files.tensors()));
  for (const Parameter& parameter : model_->parameters().all()) {
    const Tensor merged = as_tensor(files.tensors().at(parameter.name), parameter.name);
    const auto& expected = values_.at("merged");
    if (!expected.contains(parameter.name)) {
      EXPECT_TRUE(at::equal(merged, parameter.value)) << parameter.name;
      continue;
    }
    const Json& entry = expected.at(parameter.name);
    // To rounding: float32 holds 24 bits.
    const double norm = entry.at("norm").get<double>();
    EXPECT_LT(estimated_distance(merged.to(at::kDouble), parameter.name, entry.at("projections")),
              2e-7 * norm)
        << parameter.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, MergedFiles, testing::ValuesIn(lora_case_names()),
                         [](const auto& info) { return info.param; });

TEST_F(AdapterFiles, MergingRoundsOnceToTheBasesType) {
  write_base("half", DType::kBF16);
  fs::create_directories(path("merged"));
  merge_lora(path("half"), read_adapter_folder(path("adapter")), path("merged"));
  const SafetensorsFolder before(path("half"));
  const SafetensorsFolder after(path("merged"));
  load();
  for (const auto& site : model_->parameters().linear_sites()) {
    const std::string name = site->name + ".weight";
    const Tensor base = as_tensor(before.tensors().at(name), name);
    const Tensor merged = as_tensor(after.tensors().at(name), name);
    const Tensor exact =
        base.to(at::kFloat) + site->lora->scale * at::mm(site->lora->b, site->lora->a);
    EXPECT_EQ(merged.scalar_type(), at::kBFloat16);
    EXPECT_TRUE(at::allclose(merged, exact.to(at::kBFloat16), /*rtol=*/0.008, /*atol=*/1e-6));
    EXPECT_FALSE(at::equal(merged, base));
  }
}

TEST_F(AdapterFiles, MergingRefusesAnotherBase) {
  folder_.write("adapter/sft.json", R"({"base": {"name": "base", "weights_sha256": "ab"}})");
  fs::create_directories(path("merged"));
  EXPECT_THAT(message_of([&] {
                merge_lora(path("base"), read_adapter_folder(path("adapter")), path("merged"));
              }),
              HasSubstr("give the base it was trained on"));
  EXPECT_TRUE(fs::is_empty(path("merged")));
}

TEST_F(AdapterFiles, MappedWeightsAreThoseOfTheFile) {
  const auto loaded = load_model(path("base"), at::kFloat, at::kCPU);
  const auto widened = load_model(path("base"), at::kBFloat16, at::kCPU);
  for (size_t i = 0; i < model_->parameters().all().size(); ++i) {
    const Parameter& expected = model_->parameters().all()[i];
    EXPECT_TRUE(at::equal(loaded.model->parameters().all()[i].value, expected.value));
    EXPECT_TRUE(
        at::equal(widened.model->parameters().all()[i].value, expected.value.to(at::kBFloat16)));
  }
  // The layers see the exchanged storage too, and the tied output matrix.
  for (const auto& site : loaded.model->parameters().linear_sites()) {
    const Parameter* const parameter = loaded.model->parameters().find(site->name + ".weight");
    EXPECT_EQ(site->weight.data_ptr(), parameter->value.data_ptr());
  }
  EXPECT_EQ(loaded.model->output_weight().data_ptr(),
            loaded.model->parameters().find("model.embed_tokens.weight")->value.data_ptr());
}

}  // namespace
}  // namespace sft
