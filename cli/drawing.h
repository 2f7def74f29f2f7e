/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drawing.h - drawings of a guest's memory: "guest", as its code sees it, by virtual address;
 * "host", as the host has it, by guest physical address. From what mote_image_layout() says: in
 * order, but not to scale.
 */
#ifndef CLI_DRAWING_H
#define CLI_DRAWING_H

#include <mote/sandbox.h>

#include <stdio.h>

/* Whether WORD names a drawing. */
bool drawing_is_view(const char *word);

/* Prints the drawing VIEW of a sandbox of IMAGE with these OPTIONS, as SVG. Nothing is printed on
 * failure. Errors: as mote_image_layout(). */
mote_status drawing_print(FILE *to, const char *view, const mote_image *image,
			  const mote_sandbox_options *options, mote_error *err);

#endif
