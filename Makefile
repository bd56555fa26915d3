# SPDX-License-Identifier: Apache-2.0
#
# Short names for what people do. The build itself is Meson's (meson.build); everything that has
# to be installed is in tools/setup.sh, which installs only what is missing and says so.

BUILD ?= build
# More options for Meson, e.g. MESON_FLAGS=-Dwerror=true
MESON_FLAGS ?=
# Seeds of the simulator: a number ("how many") or FIRST:COUNT
SEEDS ?= 20000
FUZZ_SECONDS ?= 60
# Browser runs of make thousand
RUNS ?= 1000
# More options for tools/run_tests.py
TEST_FLAGS ?=

.PHONY: all setup setup-build demo test install fuzz bench sim style sanitize tsan thousand octomind clean

all: setup-build
	@$(MAKE) --no-print-directory $(BUILD)/proctor

setup:
	@tools/setup.sh

setup-build:
	@tools/setup.sh build

$(BUILD)/build.ninja:
	meson setup $(BUILD) $(MESON_FLAGS)

# The program, or the program and all that tests it.
.PHONY: $(BUILD)/proctor $(BUILD)/everything
$(BUILD)/proctor: TARGET = proctor
$(BUILD)/proctor $(BUILD)/everything: $(BUILD)/build.ninja
	@test -z "$(MESON_FLAGS)" || meson configure $(BUILD) $(MESON_FLAGS)
	ninja -C $(BUILD) $(TARGET)

demo:
	@tools/setup.sh build run
	@$(MAKE) --no-print-directory $(BUILD)/proctor
	PROCTOR_BIN=$(abspath $(BUILD))/proctor examples/shop/demo.sh

# A build that was configured before cmocka was there gets its tests in C now.
test:
	@tools/setup.sh
	@$(MAKE) --no-print-directory MESON_FLAGS="$(MESON_FLAGS) -Dtests=enabled" $(BUILD)/everything
	@tools/run_tests.py --build $(BUILD) $(TEST_FLAGS)

install:
	@tools/setup.sh build run
	@$(MAKE) --no-print-directory $(BUILD)/proctor
	meson install -C $(BUILD) --no-rebuild --quiet

style:
	@tools/setup.sh build test style
	@$(MAKE) --no-print-directory $(BUILD)/build.ninja
	@tools/run_tests.py --build $(BUILD) --suite style --no-node
	@tools/fn_lengths.py

sim: setup-build
	@tools/setup.sh test
	@$(MAKE) --no-print-directory MESON_FLAGS="$(MESON_FLAGS) -Dtests=enabled" $(BUILD)/everything
	$(BUILD)/tests/sim/sim --seeds $(SEEDS)

fuzz:
	@tools/setup.sh build style
	tools/fuzz.sh $(FUZZ_SECONDS)

bench:
	@tools/setup.sh build run bench
	@$(MAKE) --no-print-directory BUILD=build-bench \
		MESON_FLAGS="--buildtype=release -Db_lto=true" build-bench/proctor
	PROCTOR_BIN=$(abspath build-bench)/proctor tests/bench/run.sh

sanitize:
	@tools/setup.sh
	tools/sanitize.sh asan

tsan:
	@tools/setup.sh
	tools/sanitize.sh tsan

# A thousand browser runs in a row on one worker: the everyday suite has fifty.
thousand:
	@tools/setup.sh build run
	@$(MAKE) --no-print-directory $(BUILD)/proctor
	RUNS=$(RUNS) PROCTOR_BIN=$(abspath $(BUILD))/proctor node --test tests/e2e/thousand.test.mjs

# Every case of the Octomind format by our runner and by Playwright: everyday it is each third.
octomind:
	@tools/setup.sh build run
	@$(MAKE) --no-print-directory MESON_FLAGS="$(MESON_FLAGS) -Dtests=enabled" $(BUILD)/everything
	OCTOMIND_ROWS=all PROCTOR_BIN=$(abspath $(BUILD))/proctor node --test tests/runners/octomind.test.js

clean:
	rm -rf build build-asan build-tsan build-clang build-fuzz build-bench
