/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - SHA-256, a piece at a time.
 */
#ifndef STORE_DIGEST_H
#define STORE_DIGEST_H

#include "store/folder.h"

struct evp_md_ctx_st; /* OpenSSL's EVP_MD_CTX */

struct hash {
	struct evp_md_ctx_st *context;
};

/* Begins; hash_fini() must follow if it succeeds. Errors: MOTE_E_NOMEM. */
mote_status hash_init(struct hash *hash, mote_error *err);
void hash_fini(struct hash *hash);

/* Errors: MOTE_E_NOMEM, which is what OpenSSL's failures come down to. */
mote_status hash_add(struct hash *hash, const void *bytes, size_t size, mote_error *err);

/* What all that was added comes to. */
mote_status hash_get(struct hash *hash, struct digest *out, mote_error *err);

/* All at once. */
mote_status hash_bytes(const void *bytes, size_t size, struct digest *out, mote_error *err);

#endif
