/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest.h - "did you mean", for names that someone mistyped.
 */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

/* The name that is nearest to a mistyped one among those offered so far. */
struct suggestion {
	const char *typed;
	const char *best; /* NULL: none was near enough */
	unsigned distance;
};

/* Starts a search for names like TYPED. */
struct suggestion suggestion_for(const char *typed);

/* Considers NAME, which must live as long as the suggestion. */
void suggestion_offer(struct suggestion *suggestion, const char *name);

#endif
