/* SPDX-License-Identifier: Apache-2.0 */
/*
 * svg.h - boxes, lines and words as SVG, one element a line.
 *
 * Coordinates are pixels from the top left. What elements look like is said once, in the style
 * that svg_begin() prints, for light and for dark pages; elements name a class of it. The caller
 * calls svg_begin() first and svg_end() last, and looks at the stream for failures.
 */
#ifndef CLI_SVG_H
#define CLI_SVG_H

#include <stdio.h>

/* Which edge of a text is at its X. */
enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

/* TITLE is for those who cannot see the drawing. */
void svg_begin(FILE *to, int width, int height, const char *title);
void svg_end(FILE *to);

/*
 * Classes of boxes: "code", "constant", "data", "door", "none", "gap", "slot", "host". Of texts:
 * "title", "name", "number", "note". TEXT is UTF-8 of the program's own.
 */
void svg_box(FILE *to, const char *class, int x, int y, int width, int height);
void svg_text(FILE *to, const char *class, enum svg_anchor anchor, int x, int y, const char *text);
void svg_line(FILE *to, int x1, int y1, int x2, int y2);

#endif
