/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receipt.h - receipts of calls, for people and for scripts.
 */
#ifndef CLI_RECEIPT_H
#define CLI_RECEIPT_H

#include <mote/receipt.h>

struct json_object;

/* Prints RECEIPT to stderr, as a line; nothing if there was no call. */
void receipt_print(const mote_receipt *receipt);

/* Adds RECEIPT to OBJECT; nothing if there was no call. */
void receipt_add_json(const mote_receipt *receipt, struct json_object *object);

#endif
