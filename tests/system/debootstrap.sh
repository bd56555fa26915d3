#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Proves that a fresh clone works on a minimal Debian 12 where nothing is assumed: makes one with
# debootstrap, clones the committed state of this repository into it, and runs make there.
#
#   tests/system/debootstrap.sh [--keep] [make target ...]       (demo demo test test)
#
# Needs root and debootstrap. The packages come from wherever this system's apt takes them, the
# npm packages from wherever its npm does; proxies and an own certificate authority
# (NODE_EXTRA_CA_CERTS) are carried over. Everything is mounted in a mount namespace of its own
# and every process lives in a process namespace of its own, so nothing is left behind, however
# this ends.
set -eu

suite=bookworm
root=$(cd "$(dirname "$0")/../.." && pwd)

# The lines of sources.list with which the running system reaches Debian.
debian_sources() {
	apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v suite=$suite '($2 == suite || $2 == suite "-updates" || $2 == suite "-security") &&
			$3 == "main" { print "deb", $1, $2, $3 }' | sort -u
}

# How apt is told to reach its mirror; no other setting is carried over.
apt_settings() {
	apt-config dump | grep -E '^Acquire::(Check-|http::Proxy|https::Proxy|Retries)' || true
}

make_system() {
	local target=$1 mirror

	mirror=$(debian_sources | awk -v suite=$suite '$3 == suite { print $2; exit }')
	test -n "$mirror" || { echo "no $suite in the apt sources of this system" >&2; exit 1; }
	echo "==== minimal $suite from $mirror"
	debootstrap --variant=minbase "$suite" "$target" "$mirror" >"$target.log" 2>&1 ||
		{ tail -20 "$target.log" >&2; exit 1; }

	debian_sources >"$target/etc/apt/sources.list"
	apt_settings >"$target/etc/apt/apt.conf.d/90host"
	cp -L /etc/resolv.conf /etc/hosts "$target/etc/"
	if test -n "${NODE_EXTRA_CA_CERTS-}"; then
		cp -L "$NODE_EXTRA_CA_CERTS" "$target/etc/host-ca.pem"
	fi
	git clone -q --no-hardlinks "$root" "$target/srv/proctor"
	git -C "$target/srv/proctor" remote remove origin
}

# Runs in the namespaces: what a booted system would have mounted.
mount_system() {
	local target=$1 node

	mount -t proc proc "$target/proc"
	mount -t tmpfs -o mode=755 tmpfs "$target/dev"
	for node in null zero full random urandom tty; do
		touch "$target/dev/$node"
		mount --bind "/dev/$node" "$target/dev/$node"
	done
	mkdir "$target/dev/pts" "$target/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$target/dev/pts"
	ln -s pts/ptmx "$target/dev/ptmx"
	ln -s /proc/self/fd "$target/dev/fd"
	ln -s fd/0 "$target/dev/stdin"
	ln -s fd/1 "$target/dev/stdout"
	ln -s fd/2 "$target/dev/stderr"
	mount -t tmpfs -o mode=1777 tmpfs "$target/dev/shm"
}

run_inside() {
	local target=$1 environment=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb) name

	shift
	for name in http_proxy https_proxy no_proxy; do
		test -z "${!name-}" || environment+=("$name=${!name}")
	done
	test ! -f "$target/etc/host-ca.pem" || environment+=(NODE_EXTRA_CA_CERTS=/etc/host-ca.pem)
	if command -v npm >/dev/null; then
		environment+=("npm_config_registry=$(npm config get registry 2>/dev/null)")
	fi
	env -i "${environment[@]}" chroot "$target" "$@"
}

# Second stage, inside the namespaces.
inside() {
	local target=$1 began

	shift
	mount --make-rprivate /
	make_system "$target"
	mount_system "$target"
	# A person who cloned has these two; everything else is for tools/setup.sh to find out.
	run_inside "$target" sh -c 'apt-get update -q && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends make git' >>"$target.log" 2>&1 ||
		{ tail -20 "$target.log" >&2; exit 1; }
	for goal in "$@"; do
		began=$SECONDS
		echo "==== make $goal"
		run_inside "$target" make -C /srv/proctor "$goal"
		echo "==== make $goal took $((SECONDS - began)) s"
	done
}

if test "${1-}" = --inside; then
	shift
	inside "$@"
	exit
fi

keep=no
if test "${1-}" = --keep; then
	keep=yes
	shift
fi
test $# -gt 0 || set -- demo demo test test
test "$(id -u)" = 0 || { echo "debootstrap.sh: needs root" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "debootstrap.sh: needs debootstrap" >&2; exit 2; }

parent=$(mktemp -d "${TMPDIR:-/var/tmp}/proctor-system.XXXXXX")
target=$parent/debian
mkdir "$target"
chmod 755 "$parent"
if test $keep = no; then
	# --one-file-system: should a mount ever be left, its contents are not ours to delete.
	trap 'rm -rf --one-file-system "$parent"' EXIT
else
	echo "keeping $target"
fi
unshare --mount --pid --fork --kill-child "$0" --inside "$target" "$@"
echo "==== a minimal Debian did: $*"
