/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal/suggestion.h"

#include <string.h>

/*
 * Optimal string alignment distance: insertions, deletions, substitutions and swapped neighbours cost one
 * each, because "sattus" is the commonest kind of slip. A third of the word may be wrong, at most three
 * letters.
 */

#define LONGEST 32

void hd_suggestion_begin(struct hd_suggestion *suggestion, const char *word, size_t length)
{
	size_t allowed = length / 3 + (length == 2);

	*suggestion = (struct hd_suggestion){.word = word, .length = length};
	suggestion->distance = (allowed > 3 ? 3 : allowed) + 1;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[LONGEST + 1][LONGEST + 1];

	for (size_t i = 0; i <= a_length; i++)
		rows[i][0] = i;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		for (size_t j = 1; j <= b_length; j++) {
			size_t cost = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			cost = smaller(cost, smaller(rows[i - 1][j], rows[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cost = smaller(cost, rows[i - 2][j - 2] + 1);
			rows[i][j] = cost;
		}
	}
	return rows[a_length][b_length];
}

void hd_suggestion_offer(struct hd_suggestion *suggestion, const char *candidate)
{
	size_t length = strlen(candidate);
	size_t found;

	if (length > LONGEST || suggestion->length > LONGEST)
		return;
	found = distance(suggestion->word, suggestion->length, candidate, length);
	if (suggestion->length > 0 && suggestion->word[0] != candidate[0])
		found++;
	if (suggestion->length >= 2 && strncmp(suggestion->word, candidate, suggestion->length) == 0)
		found = 1;
	if (found < suggestion->distance) {
		suggestion->distance = found;
		suggestion->best = candidate;
	}
}
