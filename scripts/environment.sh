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

# What CMake looks for LibTorch and Arrow in, which scripts/setup put there.
cmake_prefix() {
  local torch=$sft_deps/venv/torch-cmake-prefix
  local arrow=("$sft_deps"/arrow/lib/python3*/site-packages/pyarrow)
  [[ -s $torch ]] || die "LibTorch is not set up in $sft_deps; run scripts/setup"
  [[ -d ${arrow[0]} ]] || die "Arrow is not set up in $sft_deps; run scripts/setup"
  printf '%s;%s' "$(<"$torch")" "${arrow[0]}"
}
