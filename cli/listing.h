/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.h - what kind of guest an image is, and its functions, for people and as JSON. INFO is
 * what mote_image_describe() says of the image.
 */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include <mote/image.h>

#include <json-c/json_object.h>

/* "mote guest, static PIE, guest ABI mote 1": prints that, and the beginning for JSON. */
void kind_print(const mote_image_info *info);
struct json_object *kind_json(const mote_image_info *info);

/* Prints exports and imports, each behind a title, with an empty line before it; or that only the
 * guest knows them. */
void functions_print(const mote_image *image, const mote_image_info *info);

/* Adds "lists_functions" to JSON, and both, as "exports" and "imports", if the image does. */
void functions_add(struct json_object *json, const mote_image *image, const mote_image_info *info);

#endif
