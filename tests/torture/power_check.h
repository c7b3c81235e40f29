/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_TORTURE_POWER_CHECK_H
#define HEDDLE_TESTS_TORTURE_POWER_CHECK_H

/*
 * What must be true of a store after a power cut in a recorded sequence (power_session.h).
 *
 * Looking at a disk costs a hundred times more than telling whether what it shows was to be expected, and many cuts leave the
 * same disk: so a disk is looked at once, and judged for each cut that leaves it.
 *
 * Calling sequence
 *     power_expect → power_look, unless that disk was looked at → power_judge
 *
 * Errors      All failures of the harness itself end the program with a message.
 */

#include "tests/torture/power_replay.h"

#define POWER_WORD_LIMIT 16u

/* What the sequence says of a cut. */
struct power_expected {
	unsigned acknowledged, started, states, settled, other;
	bool is_acknowledged; /* anything is */
	bool is_untimed;      /* digests are without times */
	uint64_t digests[POWER_WORD_LIMIT + 1], names[POWER_WORD_LIMIT + 1];
};

void power_expect(const struct recording *recording, const struct cut *cut, struct power_expected *ret);

/* True when a store was being made that nobody was told of: it may be anything that does no harm. */
bool power_is_unfinished(const struct power_expected *expected);

/* What a disk shows. */
struct power_found {
	bool is_there;      /* the store's directory */
	char problem[1024]; /* what no disk may show; "" for none */
	uint64_t states;    /* the fewest that were there, before it was used and afterwards */
	uint64_t names[2];  /* before and afterwards */
	uint64_t digest;
	uint32_t other_directory;
	bool other_has_file;
	char tree_text[2048], names_text[1024]; /* for whoever reads the verdict */
};

/* Opens, checks, reads, writes to and closes the store below ROOT, in a process of its own. */
void power_look(const char *root, const struct power_expected *expected, struct power_found *ret);

/*
 * The store opens, `heddle check` finds no problem, its tree is one that the thread had between the last acknowledged
 * operation and the last one that began, and it can be written to again. False, with a line in MESSAGE, when not.
 */
bool power_judge(
	const struct power_found *found, const struct power_expected *expected, char *message, size_t size);

#endif
