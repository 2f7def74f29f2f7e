# SPDX-License-Identifier: Apache-2.0
#
# A thin front of meson (the build is described in meson.build): the words that a
# newcomer types. On the command line: BUILD, PREFIX, DESTDIR, CC, T, SEED, FUZZ,
# and TESTS="base/test_text ...".
BUILD = build
PREFIX = /usr/local
TESTS =
T = 60
SEED =
FUZZ =

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@said=$$(meson setup $(BUILD) $(MESON_FLAGS)) || { echo "$$said"; exit 1; }

setup:
	@tools/setup

run: setup
	@$(MAKE) --no-print-directory all
	@$(BUILD)/examples/hello $(BUILD)/examples/hello_guest

# Ends with one line: N passed, N failed, N skipped.
test: setup
	@$(MAKE) --no-print-directory all
	@tools/run-tests $(BUILD) $(TESTS)

# The tests that need KVM, under the emulated one of tests/metal/run.
test-metal: all
	@tests/metal/run --tests $(BUILD)

# Page tables of other architectures, against their MMUs in qemu.
test-qemu:
	@tests/qemu/run

# Shared memory as it is on Windows, under Wine. Installs 200 MB of packages.
test-windows:
	@tests/windows/run

# Hyperlight's own crates with this library, each calling the other's guests. Needs the registry of crates.
test-hyperlight: all
	@tests/hyperlight/rust/run $(BUILD)

asan:
	@$(MAKE) --no-print-directory test BUILD=build-asan \
		MESON_FLAGS="-Db_sanitize=address,undefined -Db_lundef=false"

# What has threads, or could be used from several. The library makes none: hosts that fail, and calls
# whose system calls are counted, have one thread and nothing that could race, and guests of three
# kinds are one to their host. Nor is the memory of large guests counted, beside the sanitizer's own.
tsan: setup
	@$(MAKE) --no-print-directory build-tsan/build.ninja BUILD=build-tsan \
		MESON_FLAGS="$(MESON_FLAGS) -Db_sanitize=thread -Db_lundef=false"
	@MOTE_TEST_VARIANT=glibc tools/run-tests --build build-tsan 'abi/test_io_*' 'mem/*' image/test_image 'hv/*' 'guest_abi/*' \
		'sandbox/*' -sandbox/test_failing_host 'integration/*' -integration/test_call_costs \
		-integration/test_large store/test_round_trip 'soak/*'

# Everything at random for T seconds, on all backends, by several threads; and nothing grows. SEED is
# one that it printed.
soak: all
	@MOTE_TEST_GUESTS=$(BUILD)/tests/guests $(BUILD)/tests/soak/soak $(SEED:%=--seed %) $(T)

bench: all
	@$(BUILD)/mote bench

# Each target for T seconds, or those with a name in FUZZ="call wire"; make test only replays
# their inputs.
fuzz:
	@tools/fuzz -t $(T) -o "$(FUZZ)"

# What needs no build.
check:
	@.ci/run format layers size docs words headers man

format:
	@tools/check-format --fix

install: $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dprefix=$(abspath $(PREFIX)) -Dlibdir=lib
	@ninja -C $(BUILD) installed
	@DESTDIR=$(abspath $(DESTDIR)) meson install -C $(BUILD) --quiet --no-rebuild

clean:
	rm -rf build build-*

.PHONY: all setup run test test-metal test-qemu test-windows test-hyperlight asan tsan soak bench fuzz check format install clean
