#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds with a sanitizer and runs what it can judge; every report of a sanitizer ends the
# program that caused it with an error.
#
#   tools/sanitize.sh asan|tsan [option of run_tests.py ...]
#
# asan  gcc, AddressSanitizer with leaks and UBSan: every suite but style and those of the runners in
#       JavaScript, which have no C in them
# tsan  gcc, ThreadSanitizer: the suites in C and the API, where the engine, the readers and the
#       loop share data
set -eu

cd "$(dirname "$0")/.."
flags=("${SANITIZE_MESON_FLAGS:--Dwerror=false}")

configure() {
	test -f "$1/build.ninja" || CC=gcc meson setup "$@" -Dbuildtype=debug -Doptimization=1 \
		-Dsim_seeds=200 "${flags[@]}"
	ninja -C "$1"
}

case ${1-} in
asan)
	shift
	# Freed memory is kept on purpose here: tests that measure memory look at this.
	export SANITIZED=1
	configure build-asan -Db_sanitize=address,undefined
	export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=0
	export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
	exec tools/run_tests.py --build build-asan --label asan --no-suite style \
		--timeout-multiplier 5 --node-minutes 20 "$@" tests/api tests/cli tests/e2e
	;;
tsan)
	shift
	configure build-tsan -Db_sanitize=thread
	export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
	# gcc 12's runtime cannot place its shadow memory when addresses are very random.
	runner=()
	if setarch -R true 2>/dev/null; then
		runner=(setarch -R)
	fi
	exec "${runner[@]}" tools/run_tests.py --build build-tsan --label tsan --no-suite style \
		--no-suite fuzz --timeout-multiplier 8 --node-minutes 20 "$@" tests/api
	;;
*)
	echo "usage: tools/sanitize.sh asan|tsan" >&2
	exit 2
	;;
esac
