#include "cli/commands.h"

#include <array>

#include <ATen/Parallel.h>

namespace sft {

std::span<const Command> commands() {
  static constexpr std::array kCommands = {
      Command{"train", "fine-tune a model as a config describes",
              "sft train --config quickstart.yaml --set model=runs/quickstart/train/epoch-2 --plan",
              define_train, /*computes=*/true, /*has_config=*/true},
      Command{
          "data", "fetch, prepare, show and check training data",
          "sft data show --config quickstart.yaml --set model=runs/quickstart/train/epoch-2 --n 2",
          define_data, /*computes=*/false, /*has_config=*/true},
      Command{"eval", "score a model on benchmarks",
              "sft eval --ckpt runs/quickstart/train/epoch-2 --tasks gsm8k:0,boolq:0,mmlu:0 "
              "--data-dir data/quickstart/bench",
              define_eval, /*computes=*/true},
      Command{"diff", "compare two evaluations question by question",
              "sft diff runs/quickstart/before runs/quickstart/after --task gsm8k", define_diff},
      Command{"score", "log-probabilities of completions",
              "echo '{\"prompt\": \"The sky is\", \"completion\": \" blue\"}' | sft score --ckpt "
              "runs/quickstart/train/epoch-2 --input - --output -",
              define_score, /*computes=*/true},
      Command{"generate", "continue prompts",
              "sft generate --ckpt runs/quickstart/train/epoch-2 --prompt 'The sky is' "
              "--max-new-tokens 20",
              define_generate, /*computes=*/true},
      Command{"tokenize", "text to token ids and back",
              "sft tokenize --ckpt runs/quickstart/train/epoch-2 --text 'Hello world'",
              define_tokenize},
      Command{"import", "turn a GGUF file into a model folder",
              "sft import ~/.cache/sft/deps/models/SmolLM2-135M-Instruct.Q4_1.gguf --output "
              "runs/smollm2",
              define_import},
      Command{"merge", "merge an adapter into its base",
              "sft merge --ckpt DIR --adapter runs/mine/epoch-2 --output runs/mine/merged",
              define_merge},
      Command{"init", "make a model with random weights",
              "sft init --size '{hidden_size: 256}' --train-tokenizer README.md --vocab-size 1000 "
              "--output runs/tiny",
              define_init},
      Command{"publish", "upload a checkpoint with its model card to the hub",
              "sft publish --ckpt runs/quickstart/train/epoch-2 --repo me/quickstart --dry-run",
              define_publish},
      Command{"doctor", "what this machine has, what would not work, and the fix", "sft doctor",
              define_doctor},
  };
  return kCommands;
}

void apply_threads(int threads) {
  if (threads > 0) {
    at::set_num_threads(threads);
  }
}

}  // namespace sft
