#!/usr/bin/env bash
# Exports the embedded samples and opens them with the trainers' own loaders. See README.md.
# ASD_LOADER_VENVS: folder of the environments (default .venv-loaders in the checkout). ASD: the `asd` command to use.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
venvs=${ASD_LOADER_VENVS:-$repo/.venv-loaders}
asd=${ASD:-$repo/.venv/bin/asd}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 HF_DATASETS_CACHE="$work/cache" MODELSCOPE_CACHE="$work/cache" ASD_DATA_ROOT=
unset ASD_DATA_ROOT

# The registry's torchvision and torchaudio are built for CUDA. Beside a CPU build of torch they do not load: without
# torchvision, transformers falls back on Pillow; torchaudio (which LLaMA-Factory imports) runs without its compiled part.
mend_cpu_build() {
  "$1" -c "import torchvision" 2> /dev/null || "$1" -m pip uninstall --quiet --yes torchvision
  local audio
  audio=$("$1" -c "import importlib.util as u; s = u.find_spec('torchaudio'); print(s.submodule_search_locations[0] if s else '')")
  if [ -n "$audio" ] && ! "$1" -c "import torchaudio" 2> /dev/null; then rm -f "$audio"/lib/*.so; fi
}

for task in scienceqa vqav2 grounding; do
  "$asd" convert --task "$task" --ratio 0.4 --out "$work/data/$task-sample" > /dev/null 2>&1
done
for loader in "$@"; do
  "$asd" export "$work"/data/*-sample --to "$loader" --images copy --out "$work/$loader" > /dev/null
  python="$venvs/$loader/bin/python"
  if [ ! -x "$python" ]; then
    python3 -m venv "$venvs/$loader"
    "$python" -m pip install --quiet -r "$here/requirements-$loader.txt"
    mend_cpu_build "$python"
  fi
  (cd "$work" && "$python" "$here/check_loaders.py" "$loader" "$work/$loader")
  if [ "$loader" = trl ]; then
    "$asd" convert --task llava_conversation --source "$here/calls.jsonl" --ratio 0 --out "$work/data/calls" > /dev/null 2>&1
    "$asd" export "$work/data/calls" --to trl --out "$work/calls" > /dev/null
    (cd "$work" && "$python" "$here/check_loaders.py" trl-calls "$work/calls")
    # it reads a dataset directory, too, without an export
    for ratio in 0.2 0.4; do
      "$asd" convert --task scienceqa --ratio "$ratio" --embed-images --image-root "$work/data/scienceqa-sample/source" \
        --out "$work/data/embedded" > /dev/null 2>&1
    done
    (cd "$work" && "$python" "$here/check_loaders.py" load-dataset "$work/data/embedded")
  fi
done
