/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm_system.h - the KVM backend's part of hv/system.h.
 */
#ifndef HV_KVM_KVM_SYSTEM_H
#define HV_KVM_KVM_SYSTEM_H

#include "hv/system.h"

extern const struct hv_system_ops kvm_system_ops;

#endif
