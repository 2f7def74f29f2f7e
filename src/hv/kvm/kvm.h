/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm.h - the KVM backend, as hv.h describes it.
 */
#ifndef HV_KVM_KVM_H
#define HV_KVM_KVM_H

#include "hv/hv.h"

extern const struct hv_backend hv_kvm;

#endif
