/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which backends run guests in ring 0.
 */
#include "hv/system.h"

#include "hv/kvm/kvm.h"
#include "hv/kvm/kvm_system.h"

const struct hv_system_ops *hv_system_ops(const struct hv *hv)
{
	return hv->ops == &hv_kvm ? &kvm_system_ops : NULL;
}
