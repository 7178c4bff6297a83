#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the core for WebAssembly (preset wasm, folder build/wasm), and runs web/smoke.cc under Node's WASI.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ -f build/wasm/build.ninja ]] || cmake --preset wasm
cmake --build build/wasm -j "$(nproc)"
if [[ -f build/wasm/smoke.wasm ]]; then
  node --no-warnings web/smoke.mjs build/wasm/smoke.wasm
fi
