#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds all targets for OSS-Fuzz, from the root of the source: into $OUT, each with its seeds and
# its dictionary, and with no library that the machines lack on which they run. From the
# environment: CC, CFLAGS, CXX, LIB_FUZZING_ENGINE, OUT, WORK.
set -eu

build=$WORK/mote
flags=$CFLAGS
engine=$LIB_FUZZING_ENGINE
case $engine in *.a) engine="$engine -lc++" ;; esac

# Not from the environment: the process backend's monitor has no C library, nor a sanitizer.
unset CFLAGS CXXFLAGS
rm -rf "$build"
meson setup "$build" -Dprefer_static=true -Db_lundef=false -Dfuzz_engine="$engine" -Dfuzz_flags="$flags"
targets=$(cd fuzz && ls fuzz_*.c | sed 's/\.c$//')
ninja -C "$build" $(printf 'fuzz/%s ' $targets)

for target in $targets; do
	cp "$build/fuzz/$target" "$OUT/"
	[ ! -e "fuzz/dict/$target.dict" ] || cp "fuzz/dict/$target.dict" "$OUT/"
	rm -f "$OUT/${target}_seed_corpus.zip"
	for folder in fuzz/corpus/$target fuzz/regressions/$target; do
		[ ! -d "$folder" ] || zip -q -j -r "$OUT/${target}_seed_corpus.zip" "$folder"
	done
done
