/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/image.h - a guest executable, read and checked once.
 *
 * An image is a static Linux x86-64 ELF file. When it was linked with the guest
 * library it also carries records of the functions that it exports and imports,
 * which the host reads without running anything. It may also be a guest of the hyperlight ABI
 * (docs/hyperlight.md), whose functions only it knows: mote_call() asks it.
 *
 * Threads: an image never changes after it was loaded; any thread may use it at
 * any time. It is reference-counted: each sandbox holds a reference of its own,
 * so the caller may drop its own as soon as the sandboxes exist.
 */
#ifndef MOTE_IMAGE_H
#define MOTE_IMAGE_H

#include <mote/limits.h>
#include <mote/runtime.h>
#include <mote/status.h>
#include <mote/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mote_image mote_image;

/*
 * Loads a guest from a file. The file may change or go afterwards.
 * What ABI it is for the file says itself; guests of the hyperlight ABI run in ring 0 of their
 * machine, which a program may not want of strangers' files: see mote_image_load_file_as().
 * Errors: MOTE_E_IMAGE (not a static x86-64 executable, truncated, segments that
 * overlap or do not fit; the message names file, field and numbers),
 * MOTE_E_ABI_MISMATCH (built for another version of the guest ABI), MOTE_E_OS,
 * MOTE_E_NOMEM.
 */
MOTE_API MOTE_NODISCARD mote_status mote_image_load_file(mote_image **out, mote_runtime *rt,
							 const char *path, mote_error *err);

/* The same from SIZE bytes of memory at ELF, which are copied. */
MOTE_API MOTE_NODISCARD mote_status mote_image_load_memory(mote_image **out, mote_runtime *rt,
							   const void *elf, size_t size,
							   mote_error *err);

/*
 * The same, as a guest of the guest ABI of this name, "mote" or "hyperlight". Of most guests the
 * file says what they are; but one of the hyperlight ABI may be a static executable like any other,
 * and without this it is loaded as a program. NULL: as the file says. Errors also: MOTE_E_INVALID
 * (there is no such ABI).
 */
MOTE_API MOTE_NODISCARD mote_status mote_image_load_file_as(mote_image **out, mote_runtime *rt,
							    const char *path, const char *guest_abi,
							    mote_error *err);
MOTE_API MOTE_NODISCARD mote_status mote_image_load_memory_as(mote_image **out, mote_runtime *rt,
							      const void *elf, size_t size,
							      const char *guest_abi,
							      mote_error *err);

/* Drops a reference. NULL is fine. */
MOTE_API void mote_image_unref(mote_image *image);

/* A function at the boundary. Pointers live as long as the image. */
typedef struct mote_function_info {
	const char *name;
	mote_type result;
	uint32_t nparams;
	mote_type params[MOTE_MAX_PARAMS];
} mote_function_info;

/* A loadable segment, as the guest sees it. */
typedef struct mote_segment_info {
	uint64_t address;     /* guest virtual address */
	uint64_t memory_size; /* bytes in memory, from ADDRESS */
	uint64_t file_size;   /* bytes that come from the file; the rest is zero */
	uint64_t file_offset;
	bool readable, writable, executable;
} mote_segment_info;

typedef struct mote_image_info {
	size_t size;          /* sizeof(mote_image_info); set by the caller */
	bool is_mote_guest;   /* linked with the guest library: callable */
	bool is_pie;          /* static PIE; addresses are those it is loaded at */
	uint32_t abi_version; /* of the guest ABI, 0 when not a mote guest */
	uint64_t entry;       /* guest virtual address of the first instruction */
	uint64_t file_bytes;  /* size of the ELF file; 0: the image of a loaded snapshot */
	size_t nsegments;
	size_t nexports;
	size_t nimports;
	/* The guest ABI: "mote", "hyperlight"; NULL: a program. And its version, "1", "0.15.0"; ""
	 * if the file does not say. They live as long as the image. */
	const char *guest_abi;
	const char *guest_abi_version;
	/* The file lists what it exports and imports. If not, that is only known when it runs. */
	bool lists_functions;
} mote_image_info;

/* Describes IMAGE. INFO->size must be set, or it fails with MOTE_E_INVALID. */
MOTE_API MOTE_NODISCARD mote_status mote_image_describe(const mote_image *image,
							mote_image_info *info, mote_error *err);

/* The INDEX-th segment, exported function or imported function, or NULL past the last. */
MOTE_API const mote_segment_info *mote_image_segment(const mote_image *image, size_t index);
MOTE_API const mote_function_info *mote_image_export(const mote_image *image, size_t index);
MOTE_API const mote_function_info *mote_image_import(const mote_image *image, size_t index);

/* The exported function of that name, or NULL. */
MOTE_API const mote_function_info *mote_image_find_export(const mote_image *image,
							  const char *name);

/* "i32", "str", ...; "?" for a number that is no type. A static string. */
MOTE_API const char *mote_type_name(mote_type type);

#ifdef __cplusplus
}
#endif

#endif /* MOTE_IMAGE_H */
