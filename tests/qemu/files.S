/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two files that plan.c wrote, as parts of an image.
 */
	.section .tables, "aw", %progbits
	.incbin "tables"

	.section .probes, "a", %progbits
	.incbin "probes"

	.section .note.GNU-stack, "", %progbits
