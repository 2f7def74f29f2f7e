/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of backends, best first: the one place that knows which exist.
 */
#include "hv/hv.h"
#include "hv/kvm/kvm.h"
#include "hv/process/process.h"

const struct hv_backend *const hv_backends[] = {
	&hv_kvm,
	&hv_process,
	NULL,
};
