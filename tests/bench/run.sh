#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the programs of the bench and runs it. PROCTOR_BIN names the server (build-bench/proctor).
# Options go to bench.py: --quick, --only SCENARIO, --rounds N, --json FILE …
set -eu

cd "$(dirname "$0")/../.."
tools/setup.sh bench
export PROCTOR_BIN=${PROCTOR_BIN:-$PWD/build-bench/proctor}
export BENCH_PROGRAMS=${BENCH_PROGRAMS:-$PWD/build-bench/bench}

mkdir -p "$BENCH_PROGRAMS"
flags=(-O2 -g -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -include src/base/banned.h)
${CC:-cc} "${flags[@]}" -o "$BENCH_PROGRAMS/load" tests/bench/load*.c
${CC:-cc} "${flags[@]}" -o "$BENCH_PROGRAMS/calibrate" tests/bench/calibrate.c
${CC:-cc} "${flags[@]}" -shared -fPIC -o "$BENCH_PROGRAMS/syncdelay.so" tests/bench/syncdelay.c -ldl

exec python3 -B tests/bench/bench.py "$@"
