#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what Proctor needs from Debian and from the npm registry: only what is missing, and it
# says what and why. Safe to run again; a second run with everything in place takes a moment and
# needs no network and no privileges.
#
#   tools/setup.sh [--check] [group ...]      groups: build run test style bench
#
# Without a group: build run test style. --check installs nothing and exits 1 if anything is
# missing. Uses sudo when it is not run by root.
set -eu

cd "$(dirname "$0")/.."

# A minimal system has no locales; without this every Perl tool of apt complains about ours.
export LC_ALL=C.UTF-8 LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive

usage() {
	sed -n '4,12s/^# \{0,1\}//p' "$0"
}

# package | program that makes the package unnecessary, or - | what it is for
packages() {
	case $1 in
	build) cat <<-'LIST'
		gcc|-|C compiler
		libc6-dev|-|C library headers
		pkgconf|pkg-config|finds the libraries
		meson|meson|build system
		ninja-build|ninja|build system
		libuv1-dev|-|event loop, processes, timers
		libmicrohttpd-dev|-|HTTP server
		libjansson-dev|-|JSON
		libsqlite3-dev|-|the default store
		libsodium-dev|-|hashes, random numbers, secrets
		libcurl4-openssl-dev|-|HTTP client
		libpcre2-dev|-|regular expressions
		libexpat1-dev|-|reading JUnit XML
		libyaml-dev|-|job files in YAML
		libarchive-dev|-|test bundles (tar, zip)
		libpng-dev|-|comparing screenshots
		LIST
		;;
	run) cat <<-'LIST'
		ca-certificates|-|TLS to the npm registry and to tested sites
		nodejs|node|runs Playwright and TestCafe
		npm|npm|installs Playwright and TestCafe
		chromium-headless-shell|chromium-headless-shell|the browser
		chromium|chromium|the browser of TestCafe suites
		fonts-liberation|-|fonts, without which pages have no text
		ffmpeg|ffmpeg|video of browser tests
		tzdata|-|time zones of schedules
		LIST
		;;
	test) cat <<-'LIST'
		libcmocka-dev|-|unit tests in C
		python3|python3|counts and lints tests
		libxml2-utils|xmllint|validates JUnit reports
		git|git|lists the files to check
		zsh|zsh|reads the completion that we write for it
		json-schema-test-suite|-|the official tests of JSON Schema, and a second implementation
		python3-flask|-|examples/two-phase: pages
		celery|celery|the same: background tasks
		redis-server|redis-server|the same: their queue
		python3-redis|-|the same: speaks with it
		procps|ps|TestCafe by itself, which ours is compared with, closes its browsers with it
		LIST
		;;
	style) cat <<-'LIST'
		clang|clang|second compiler, fuzzing engine
		libclang-rt-14-dev|-|its sanitizer and fuzzing runtimes
		clang-format|clang-format|layout of the C code
		clang-tidy|clang-tidy|static analysis
		codespell|codespell|spelling
		mandoc|mandoc|lints the manual pages
		shellcheck|shellcheck|lints the shell scripts
		LIST
		;;
	bench) cat <<-'LIST'
		beanstalkd|beanstalkd|peer: work queue
		redis-server|redis-server|peer: store of BullMQ
		postgresql|-|peer: SKIP LOCKED queue, pgbench
		strace|strace|counts syncs
		LIST
		;;
	*)
		echo "setup: no such group: $1" >&2
		usage >&2
		exit 2
		;;
	esac
}

# Folders whose package-lock.json is installed with a group.
npm_folders() {
	case $1 in
	run) echo "runners/playwright runners/testcafe examples/shop" ;;
	test) echo "tests" ;;
	bench) echo "tests/bench" ;;
	esac
}

is_installed() {
	test "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed
}

# Prints the lines of one group's list that are not satisfied.
missing_packages() {
	local package program why

	packages "$1" | while IFS='|' read -r package program why; do
		if test "$program" != - && command -v "$program" >/dev/null; then
			continue
		fi
		is_installed "$package" || echo "$package|$why"
	done
}

as_root() {
	if test "$(id -u)" = 0; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo env LC_ALL="$LC_ALL" DEBIAN_FRONTEND="$DEBIAN_FRONTEND" "$@"
	else
		echo "setup: this needs root, and there is no sudo; as root, run:  $*" >&2
		exit 1
	fi
}

install_packages() {
	local names

	names=$(cut -d'|' -f1 <<<"$1" | tr '\n' ' ')
	echo "setup: installing from Debian:"
	sed 's/^\([^|]*\)|\(.*\)/  \1 (\2)/' <<<"$1"
	as_root apt-get update -q -o Acquire::Retries=3
	# shellcheck disable=SC2086 # a list of words
	as_root apt-get install -y -q --no-install-recommends -o Acquire::Retries=3 $names
}

# The lock file that node_modules was made from, or nothing.
npm_is_current() {
	cmp -s "$1/package-lock.json" "$1/node_modules/.proctor-lock"
}

install_npm() {
	echo "setup: installing from npm: $1"
	# npm 11's ci refuses a lock file without addresses that names optional packages of other
	# platforms; install takes the same versions from it.
	(cd "$1" && export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 &&
		{ npm ci --no-audit --no-fund --ignore-scripts 2>/dev/null ||
			npm install --no-save --no-audit --no-fund --ignore-scripts; })
	mkdir -p "$1/node_modules"
	cp "$1/package-lock.json" "$1/node_modules/.proctor-lock"
}

check_node() {
	local major

	major=$(node -p 'process.versions.node.split(".")[0]')
	if test "$major" -lt 18; then
		echo "setup: Node $(node --version) is too old, 18 is the oldest that works" >&2
		exit 1
	fi
}

main() {
	local check=no groups=() group folder missing=

	for group in "$@"; do
		case $group in
		--check) check=yes ;;
		-h | --help) usage && exit 0 ;;
		*) packages "$group" >/dev/null && groups+=("$group") ;;
		esac
	done
	if test ${#groups[@]} = 0; then
		groups=(build run test style)
	fi

	if ! command -v dpkg-query >/dev/null; then
		echo "setup: this is not Debian; please see to these yourself:" >&2
		for group in "${groups[@]}"; do
			packages "$group" | sed 's/^\([^|]*\)|[^|]*|\(.*\)/  \1 (\2)/' >&2
		done
	else
		for group in "${groups[@]}"; do
			missing+=$(missing_packages "$group")
			missing+=$'\n'
		done
		missing=$(grep . <<<"$missing" || true)
	fi
	if test -n "$missing" && test $check = yes; then
		echo "setup: missing:"
		sed 's/^\([^|]*\)|\(.*\)/  \1 (\2)/' <<<"$missing"
		exit 1
	fi
	if test -n "$missing"; then
		install_packages "$missing"
	fi

	for group in "${groups[@]}"; do
		for folder in $(npm_folders "$group"); do
			test -f "$folder/package-lock.json" || continue
			npm_is_current "$folder" && continue
			if test $check = yes; then
				echo "setup: missing: npm packages of $folder"
				exit 1
			fi
			check_node
			install_npm "$folder"
		done
	done
}

main "$@"
