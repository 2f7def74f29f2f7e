/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/status.h - how every function of the library reports failure.
 *
 * A function that can fail returns a mote_status and takes, last, a mote_error
 * that it fills when it fails; pass NULL when the code is enough. A success
 * leaves the mote_error alone. On failure every output is set to NULL or void.
 */
#ifndef MOTE_STATUS_H
#define MOTE_STATUS_H

#include <stdint.h>

#if defined(_WIN32) && defined(MOTE_BUILD)
#define MOTE_API __declspec(dllexport)
#elif defined(_WIN32) && defined(MOTE_SHARED)
#define MOTE_API __declspec(dllimport)
#elif defined(__GNUC__)
#define MOTE_API __attribute__((visibility("default")))
#else
#define MOTE_API
#endif

#if defined(__GNUC__)
#define MOTE_NODISCARD __attribute__((warn_unused_result))
#else
#define MOTE_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define MOTE_VERSION_MAJOR 0
#define MOTE_VERSION_MINOR 1
#define MOTE_VERSION_PATCH 0

/* The class of a code is code / 100, so that a switch on mote_status_class()
 * keeps working when new codes appear. */
typedef enum mote_status {
	MOTE_OK = 0,

	MOTE_E_INVALID = 100, /* the caller broke a documented precondition */
	MOTE_E_OPTION,        /* an option is unknown to this library version */
	MOTE_E_STATE,         /* not now: the sandbox is poisoned or running */

	MOTE_E_NOMEM = 200,   /* the host is out of memory */
	MOTE_E_OS,            /* a system call failed; see mote_error.os_error */
	MOTE_E_NO_HYPERVISOR, /* no usable backend on this machine */
	MOTE_E_LIMIT,         /* a limit of the host or of an option was reached */
	MOTE_E_HOST_CHECK,    /* the machine does not pass a check that was required */

	MOTE_E_IMAGE = 300,  /* the guest file is not a loadable guest */
	MOTE_E_ABI_MISMATCH, /* guest and host were built for other ABIs */
	MOTE_E_SNAPSHOT,     /* the snapshot does not fit this sandbox, or cannot be used */

	MOTE_E_NO_FUNCTION = 400, /* the guest exports no such function */
	MOTE_E_SIGNATURE,         /* argument or result types do not match */
	MOTE_E_GUEST_ERROR,       /* the guest function reported an error */

	MOTE_E_GUEST_ABORT = 500, /* the guest gave up: exit(), abort() or panic */
	MOTE_E_GUEST_FAULT,       /* page fault or other exception in the guest */
	MOTE_E_GUEST_PROTOCOL,    /* malformed bytes from the guest */
	MOTE_E_CANCELED,          /* mote_interrupt_kill() stopped the call */
	MOTE_E_TIMEOUT,           /* the call's time limit stopped it */
	MOTE_E_GUEST_LIMIT,       /* the guest used more than its sandbox's options allow */
} mote_status;

/* Class 5 leaves the guest half-way through a function: the sandbox is poisoned
 * and answers further calls with MOTE_E_STATE. */
enum {
	MOTE_CLASS_USAGE = 1,
	MOTE_CLASS_HOST,
	MOTE_CLASS_FILE,
	MOTE_CLASS_CALL,
	MOTE_CLASS_POISON,
};

static inline int mote_status_class(mote_status s)
{
	return (int)s / 100;
}

#define MOTE_ERROR_MESSAGE_SIZE 472

/* Details of one failure, in storage of the caller: nothing to free, nothing
 * kept per thread. The layout is frozen at 512 bytes. */
typedef struct mote_error {
	mote_status code;
	int32_t os_error;       /* errno or GetLastError(), 0 when not MOTE_E_OS */
	uint64_t guest_pc;      /* where the guest stood, 0 when unknown */
	uint64_t guest_address; /* the address that faulted, 0 when none */
	uint64_t guest_code;    /* the guest's own code for MOTE_E_GUEST_ERROR */
	uint64_t reserved;
	char message[MOTE_ERROR_MESSAGE_SIZE]; /* UTF-8, always terminated */
} mote_error;

/* The name of a code, such as "MOTE_E_GUEST_FAULT"; "MOTE_E_UNKNOWN" for a
 * number that this version does not know. A static string. Any thread. */
MOTE_API const char *mote_status_name(mote_status status);

/* The version of the library that runs, "MAJOR.MINOR.PATCH". A static string.
 * Any thread. */
MOTE_API const char *mote_version(void);

#ifdef __cplusplus
}
#endif

#endif /* MOTE_STATUS_H */
