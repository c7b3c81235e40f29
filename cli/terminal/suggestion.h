/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TERMINAL_SUGGESTION_H
#define HEDDLE_CLI_TERMINAL_SUGGESTION_H

/*
 * Suggestion: the known word nearest to one that was mistyped.
 *
 *     hd_suggestion_begin → hd_suggestion_offer for each known word → .best, NULL if none is near
 *
 * Ownership   Words are borrowed. Threads: one per suggestion.
 */

#include <stddef.h>

struct hd_suggestion {
	const char *word; /* what was typed; LENGTH bytes */
	size_t length;
	const char *best;
	size_t distance; /* of best, or the first that is too far */
};

/* A third of the LENGTH bytes may be wrong, at most three. */
void hd_suggestion_begin(struct hd_suggestion *suggestion, const char *word, size_t length);
void hd_suggestion_offer(struct hd_suggestion *suggestion, const char *candidate);

#endif
