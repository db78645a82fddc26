# What scripts/* share; sourced, never run. It names the places and puts the tools that
# scripts/setup installed first on PATH:
#   root      the checkout
#   sft_deps  where set-up keeps what it fetched: SFT_DEPS, else ~/.cache/sft/deps
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
sft_deps=${SFT_DEPS:-$HOME/.cache/sft/deps}
case $sft_deps in /*) ;; *) sft_deps=$PWD/$sft_deps ;; esac
export SFT_DEPS=$sft_deps
export PATH=$sft_deps/venv/bin:$PATH

say() { printf '%s\n' "${0##*/}: $*" >&2; }
die() {
  say "error: $*"
  exit 1
}
