#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Called by `meson install`: writes the completion that the program prints for bash.
set -eu

target=${DESTDIR-}$1
text=$("$MESON_BUILD_ROOT/proctor" completion bash) || {
	echo "no completion installed: this binary cannot run here" >&2
	exit 0
}
mkdir -p "$target"
printf '%s\n' "$text" >"$target/proctor"
