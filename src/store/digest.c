/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests: their text form, and SHA-256 by OpenSSL's libcrypto.
 */
#include "store/digest.h"

#include <openssl/evp.h>
#include <string.h>

#define PREFIX "sha256:"

enum { PREFIX_SIZE = sizeof PREFIX - 1, HASH_SIZE = 32 };
_Static_assert(PREFIX_SIZE + 2 * HASH_SIZE + 1 == DIGEST_SIZE, "a digest's text and its NUL");

bool digest_parse(struct digest *out, const char *text)
{
	if (strnlen(text, DIGEST_SIZE) != DIGEST_SIZE - 1 || memcmp(text, PREFIX, PREFIX_SIZE) != 0)
		return false;
	for (const char *c = text + PREFIX_SIZE; *c; c++)
		if (!(*c >= '0' && *c <= '9') && !(*c >= 'a' && *c <= 'f'))
			return false;
	memcpy(out->text, text, DIGEST_SIZE);
	return true;
}

static mote_status failed(mote_error *err)
{
	return error_set(err, MOTE_E_NOMEM, "the cryptographic library cannot compute SHA-256");
}

mote_status hash_init(struct hash *hash, mote_error *err)
{
	hash->context = EVP_MD_CTX_new();
	if (hash->context && EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL))
		return MOTE_OK;
	hash_fini(hash);
	return failed(err);
}

void hash_fini(struct hash *hash)
{
	EVP_MD_CTX_free(hash->context);
	hash->context = NULL;
}

mote_status hash_add(struct hash *hash, const void *bytes, size_t size, mote_error *err)
{
	return EVP_DigestUpdate(hash->context, bytes, size) ? MOTE_OK : failed(err);
}

mote_status hash_get(struct hash *hash, struct digest *out, mote_error *err)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (!EVP_DigestFinal_ex(hash->context, bytes, &size) || size != HASH_SIZE)
		return failed(err);
	memcpy(out->text, PREFIX, PREFIX_SIZE);
	for (unsigned i = 0; i < HASH_SIZE; i++) {
		out->text[PREFIX_SIZE + 2 * i] = hex[bytes[i] >> 4];
		out->text[PREFIX_SIZE + 2 * i + 1] = hex[bytes[i] & 15];
	}
	out->text[DIGEST_SIZE - 1] = '\0';
	return MOTE_OK;
}

mote_status hash_bytes(const void *bytes, size_t size, struct digest *out, mote_error *err)
{
	struct hash hash;
	mote_status status = hash_init(&hash, err);

	if (status)
		return status;
	status = hash_add(&hash, bytes, size, err);
	if (!status)
		status = hash_get(&hash, out, err);
	hash_fini(&hash);
	return status;
}
