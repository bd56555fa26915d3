#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every fuzz target under libFuzzer for some seconds each. New inputs are kept in
# build-fuzz/corpus; what crashes a target is left in build-fuzz/crashes. To keep a finding,
# put its file into tests/fuzz/corpus/<target>/, where every test run replays it.
#
#   tools/fuzz.sh [seconds a target (60)] [target ...]
set -eu

cd "$(dirname "$0")/.."
seconds=${1:-60}
test $# = 0 || shift

test -f build-fuzz/build.ninja || CC=clang meson setup build-fuzz -Dfuzz_engine=libfuzzer \
	-Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debug -Doptimization=1
ninja -C build-fuzz

mkdir -p build-fuzz/crashes
found=0 ran=0
for target in build-fuzz/tests/fuzz/fuzz_*; do
	test -f "$target" && test -x "$target" || continue
	name=${target##*/fuzz_}
	case " ${*:-$name} " in
	*" $name "*) ;;
	*) continue ;;
	esac

	echo "==== $name, $seconds s"
	mkdir -p "build-fuzz/corpus/$name"
	dictionary=tests/fuzz/$name.dict
	arguments=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
		-artifact_prefix="build-fuzz/crashes/$name-")
	test ! -f "$dictionary" || arguments+=(-dict="$dictionary")
	folders=("build-fuzz/corpus/$name")
	test ! -d "tests/fuzz/corpus/$name" || folders+=("tests/fuzz/corpus/$name")
	"$target" "${arguments[@]}" "${folders[@]}" || found=$((found + 1))
	ran=$((ran + 1))
done

echo "$ran targets fuzzed, $found with findings"
test $ran -gt 0 && test $found = 0
