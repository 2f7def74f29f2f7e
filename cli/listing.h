/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.h - the functions of an image, for people and as JSON.
 */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include <mote/image.h>

#include <json-c/json_object.h>

/* Prints exports and imports, each behind a title, with an empty line before it. */
void functions_print(const mote_image *image);

/* Adds both to JSON, as "exports" and "imports". */
void functions_add(struct json_object *json, const mote_image *image);

#endif
