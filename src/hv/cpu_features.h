/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_features.h - extensions of the instruction set, by name.
 *
 * Programs look once, when they start, what the processor can do, and remember: the C library's
 * memcpy is then one for AVX-512. So a guest's memory can be brought to another machine only if
 * that can do all of this.
 */
#ifndef HV_CPU_FEATURES_H
#define HV_CPU_FEATURES_H

#include <stdint.h>

/* What ring 3 can use on this machine: bit N is the feature that cpu_feature_name(N) names. */
uint64_t cpu_features(void);

/* "avx2", "bmi1", ...: static strings that stay what they are; NULL past the last. */
const char *cpu_feature_name(unsigned bit);

#endif
