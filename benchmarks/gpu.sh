#!/usr/bin/env bash
# Figures and checks that need a GPU, in parts that each end within 8 minutes on one card and need no network.
#
#   benchmarks/gpu.sh kernels           the compiled kernels against the tiled form and the definition (tests marked gpu)
#   benchmarks/gpu.sh reglora           time and memory of RegLoRA's penalty
#   benchmarks/gpu.sh moelora           time and memory of MoELoRA's layers
#   benchmarks/gpu.sh pack MODEL DATA   before: a model (GGUF file or folder) and a folder of converted rows, in pieces, to $IN
#   benchmarks/gpu.sh keep              there: the pieces in $IN so far are moved to $KEEP; again after each batch of pieces
#   benchmarks/gpu.sh smollm            every training recipe in $RECIPES x every seed in $SEEDS, on what was packed
#
# Results are $OUT/PART.json, with the device's name. A part that was cut off goes on where it stopped, as long as $KEEP is
# there; `smollm` begins no run after $MINUTES, says what is left, and skips what $IN/smollm.json of an earlier machine has.
# Python is $PYTHON, with the torch that it has; packages that it lacks may lie as wheels in $IN/wheels.
# ASD_DEVICE=cpu runs every part in its smallest form: whether it works, not how fast.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
: "${OUT:=gpu-out}" "${IN:=gpu-in}" "${KEEP:=${TMPDIR:-/tmp}/asd-gpu}" "${PYTHON:=python3}" "${ASD_DEVICE:=cuda}"
: "${RECIPES:=$repo/pipelines/smollm}" "${SEEDS:=1 2 3}" "${MINUTES:=6}" "${PIECE:=48M}"
mkdir -p "$OUT" "$IN" "$KEEP"
OUT=$(cd "$OUT" && pwd) IN=$(cd "$IN" && pwd) KEEP=$(cd "$KEEP" && pwd)
export HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1 PYTHONPATH="$repo:$repo/training:$KEEP/site${PYTHONPATH:+:$PYTHONPATH}"
[ "$ASD_DEVICE" = cuda ] || export CUDA_VISIBLE_DEVICES=

say() { echo "gpu.sh: $*" >&2; }

install_wheels() {
    compgen -G "$IN/wheels/*.whl" > /dev/null || return 0
    "$PYTHON" -m pip install --quiet --no-index --no-deps --no-compile --upgrade --target "$KEEP/site" "$IN"/wheels/*.whl
}

require_device() {
    [ "$ASD_DEVICE" = cpu ] || "$PYTHON" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || {
        say "$PYTHON sees no CUDA device; expected one, or ASD_DEVICE=cpu for the smallest form"
        exit 2
    }
}

kernels() {
    local layers="$repo/tests/training/layers" chosen failed=0
    chosen=("$layers" -m gpu)
    [ "$ASD_DEVICE" = cuda ] || chosen=("$layers/test_packed_bits.py")
    "$PYTHON" -m pytest -c "$repo/pyproject.toml" --rootdir "$repo" -p no:cacheprovider "${chosen[@]}" \
        --junitxml "$KEEP/kernels.xml" || failed=1
    "$PYTHON" "$repo/benchmarks/gpu_results.py" tests "$KEEP/kernels.xml" "$OUT/kernels.json"
    [ "$failed" = 0 ] || {
        say "some tests fail: see $OUT/kernels.json"
        exit 1
    }
}

reglora() {
    local size=(--forms released ours ours-union)
    [ "$ASD_DEVICE" = cuda ] || size=(--forms ours --tasks 2 --layers 1 --rank 4 --repeats 1)
    "$PYTHON" "$repo/benchmarks/reglora.py" --device "$ASD_DEVICE" "${size[@]}" --out "$OUT/reglora.json"
}

moelora() {
    local size=()
    [ "$ASD_DEVICE" = cuda ] || size=(--experts 2 --repeats 1)
    "$PYTHON" "$repo/benchmarks/moelora.py" --device "$ASD_DEVICE" "${size[@]}" --out "$OUT/moelora.json"
}

pack() {
    [ $# = 2 ] && [ -e "$1" ] && [ -d "$2" ] || { say "pack takes a model (file or folder) and a folder of rows"; exit 2; }
    local model rows
    model=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") rows=$(cd "$2" && pwd)
    rm -f "$IN"/piece-*
    ln -sfn "$model" "$KEEP/model"
    ln -sfn "$rows" "$KEEP/rows"
    basename "$model" > "$KEEP/name"
    tar -C "$KEEP" -chf - name model rows | split -b "$PIECE" - "$IN/piece-"
    rm "$KEEP/model" "$KEEP/rows" "$KEEP/name"
    (cd "$IN" && sha256sum piece-* > pieces.sha256)
    say "$(find "$IN" -name 'piece-*' | wc -l) pieces of at most $PIECE are in $IN; send pieces.sha256 with each"
}

keep() {
    compgen -G "$IN/piece-*" > /dev/null || {
        say "no pieces are in $IN; 'pack' makes them"
        exit 2
    }
    mkdir -p "$KEEP/pieces"
    mv "$IN"/piece-* "$KEEP/pieces/"
    cp "$IN/pieces.sha256" "$KEEP/pieces/"
    say "kept: $(cd "$KEEP/pieces" && echo piece-*) of $(wc -l < "$KEEP/pieces/pieces.sha256")"
}

unpack() {
    ! cmp -s "$KEEP/pieces/pieces.sha256" "$KEEP/packed/whole" || return 0
    (cd "$KEEP/pieces" && sha256sum --check --quiet pieces.sha256) || {
        say "pieces are missing or damaged in $KEEP/pieces; send them and run 'keep' after each batch"
        exit 2
    }
    rm -rf "$KEEP/packed" && mkdir "$KEEP/packed"
    (cd "$KEEP/pieces" && cut -d ' ' -f 3 pieces.sha256 | xargs cat) | tar -C "$KEEP/packed" -xf -
    mkdir "$KEEP/packed/named"
    mv "$KEEP/packed/model" "$KEEP/packed/named/$(cat "$KEEP/packed/name")"
    cp "$KEEP/pieces/pieces.sha256" "$KEEP/packed/whole"
}

smollm() {
    unpack
    local recipe seed name left=0 failed=0
    ln -sfn rows "$KEEP/packed/asd-data"
    for seed in $SEEDS; do
        for recipe in "$RECIPES"/*.yaml; do
            grep -q '^# asd-train run' "$recipe" || continue
            name=$(basename "$recipe" .yaml)
            if "$PYTHON" "$repo/benchmarks/gpu_results.py" has "$IN/smollm.json" "$KEEP/runs" "$name-$seed"; then continue; fi
            if [ "$SECONDS" -ge $((60 * MINUTES)) ]; then
                left=$((left + 1))
                continue
            fi
            say "$name, seed $seed"
            (cd "$KEEP/packed" && "$PYTHON" -m asd_training.cli.main run "$recipe" --out "$KEEP/runs/$name-$seed" \
                --set "seed=$seed" --set "model.name=$KEEP/packed/named/$(cat name)") || {
                say "$name, seed $seed failed"
                failed=1
            }
        done
    done
    "$PYTHON" "$repo/benchmarks/gpu_results.py" runs "$KEEP/runs" "$OUT/smollm.json" "$IN/smollm.json"
    [ "$left" = 0 ] || {
        say "$left runs are left: run 'smollm' again; on another machine with $OUT/smollm.json in $IN"
        exit 3
    }
    [ "$failed" = 0 ] || exit 1
}

part=${1:-}
case "$part" in
    kernels | reglora | moelora | smollm)
        install_wheels
        require_device
        "$part"
        ;;
    pack | keep) "$@" ;;
    *)
        say "name a part: kernels, reglora, moelora, smollm; before smollm: pack, keep"
        exit 2
        ;;
esac
