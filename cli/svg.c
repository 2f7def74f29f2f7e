/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SVG: the style, and elements. Colours come in pairs, because a drawing has no background of
 * its own: the page that shows it is light or dark.
 */
#include "svg.h"

static const char style[] =
	"<style>\n"
	"text { font: 13px \"DejaVu Sans\", Verdana, sans-serif; fill: #1f2328; }\n"
	"text.title { font-weight: bold; font-size: 15px; }\n"
	"text.number { font-family: \"DejaVu Sans Mono\", Menlo, Consolas, monospace; "
	"font-size: 12px; }\n"
	"text.note { font-size: 12px; fill: #59636e; }\n"
	"rect { stroke-width: 1; }\n"
	"rect.code { fill: #d3f5da; stroke: #1a7f37; }\n"
	"rect.constant { fill: #dbeeff; stroke: #0969da; }\n"
	"rect.data { fill: #fff3c4; stroke: #9a6700; }\n"
	"rect.door { fill: #ffe0dd; stroke: #cf222e; }\n"
	"rect.none { fill: #eaeef2; stroke: #59636e; }\n"
	"rect.gap { fill: none; stroke: #818b98; stroke-dasharray: 3 3; }\n"
	"rect.slot { fill: none; stroke: #59636e; stroke-width: 2; }\n"
	"rect.host { fill: #eaeef2; stroke: #59636e; }\n"
	"line { stroke: #818b98; stroke-dasharray: 2 3; }\n"
	"@media (prefers-color-scheme: dark) {\n"
	"text { fill: #e6edf3; }\n"
	"text.note { fill: #9da7b3; }\n"
	"rect.code { fill: #12351d; stroke: #3fb950; }\n"
	"rect.constant { fill: #0c2d4e; stroke: #58a6ff; }\n"
	"rect.data { fill: #3d2e06; stroke: #d29922; }\n"
	"rect.door { fill: #4c1513; stroke: #ff7b72; }\n"
	"rect.none { fill: #262c34; stroke: #9da7b3; }\n"
	"rect.gap { stroke: #6e7681; }\n"
	"rect.slot { stroke: #9da7b3; }\n"
	"rect.host { fill: #262c34; stroke: #9da7b3; }\n"
	"line { stroke: #6e7681; }\n"
	"}\n"
	"</style>\n";

static void print_escaped(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", to);
		else if (*text == '&')
			fputs("&amp;", to);
		else
			putc(*text, to);
	}
}

void svg_begin(FILE *to, int width, int height, const char *title)
{
	fprintf(to,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\" role=\"img\">\n<title>",
		width, height, width, height);
	print_escaped(to, title);
	fprintf(to, "</title>\n%s", style);
}

void svg_end(FILE *to)
{
	fputs("</svg>\n", to);
}

void svg_box(FILE *to, const char *class, int x, int y, int width, int height)
{
	fprintf(to, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", class, x,
		y, width, height);
}

void svg_text(FILE *to, const char *class, enum svg_anchor anchor, int x, int y, const char *text)
{
	static const char *const anchors[] = {
		[SVG_START] = "start",
		[SVG_MIDDLE] = "middle",
		[SVG_END] = "end",
	};

	fprintf(to, "<text class=\"%s\" text-anchor=\"%s\" x=\"%d\" y=\"%d\">", class,
		anchors[anchor], x, y);
	print_escaped(to, text);
	fputs("</text>\n", to);
}

void svg_line(FILE *to, int x1, int y1, int x2, int y2)
{
	fprintf(to, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", x1, y1, x2, y2);
}
