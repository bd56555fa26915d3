#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the shop's Playwright suite through Proctor, and checks that the report says what it should:
# everything passes but the one test that fails on purpose. Exits 0 when it does.
#
# PROCTOR_BIN (default build/proctor) is the program; what the demo writes goes to DEMO_DIR
# (default build/demo). Nothing is built or installed here: `make demo` does that first.

set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
proctor=${PROCTOR_BIN:-$root/build/proctor}
out=${DEMO_DIR:-$root/build/demo}

if [ ! -x "$proctor" ]; then
	echo "demo: $proctor is not there; run: make" >&2
	exit 1
fi

mkdir -p "$out"
rm -f "$out/report.html" "$out/results.json" "$out/junit.xml"

echo "A small web shop and the tests for it: examples/shop/tests, 12 tests in a real Chromium."
echo "One of them fails on purpose and one is flaky on purpose; the rest pass."
echo

status=0
"$proctor" run "$here/tests" --name "corner shop" --data "$out/data" \
	--html "$out/report.html" --junit "$out/junit.xml" --json "$out/results.json" || status=$?

echo
if [ "$status" -ne 1 ]; then
	echo "demo: proctor run ended with status $status; 1 (tests failed) was expected" >&2
	exit 1
fi
node "$here/check-demo.js" "$out/results.json"
for file in report.html junit.xml; do
	if [ ! -s "$out/$file" ]; then
		echo "demo: $out/$file was not written" >&2
		exit 1
	fi
done

# What is below the current directory is shown shorter.
short() {
	case $1 in
	"$PWD"/*) printf '%s' "${1#"$PWD"/}" ;;
	*) printf '%s' "$1" ;;
	esac
}

cat <<EOF
The demo did what it should.

  Report   $(short "$out/report.html")   (open it in a browser; it needs no server)
  JUnit    $(short "$out/junit.xml")
  Server   $(short "$proctor") serve --data $(short "$out/data")
           then: $(short "$proctor") job list --data $(short "$out/data")
  Next     $(short "$proctor") run $(short "$here/shop.browser.yaml")   (the same shop, tested without a script)
EOF
