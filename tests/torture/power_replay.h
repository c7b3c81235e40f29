/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_TORTURE_POWER_REPLAY_H
#define HEDDLE_TESTS_TORTURE_POWER_REPLAY_H

/*
 * What a disk may hold when the power is cut at one moment of a recording.
 *
 * What a sync covered is there. Of everything else any part may be: a write in whole, not at all, or some of its
 * sectors; the size without the bytes (zeros); an entry of a directory or none; a rename happened or did not. That is
 * less than any filesystem promises that is in use (ext4 and xfs write entries in order), and what POSIX promises.
 *
 * Calling sequence
 *     recording_load → recording_cut → recording_lay_out ... → recording_free
 *
 * Errors      All failures end the program with a message.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/torture/record_format.h"

struct record {
	struct record_header header;
	const char *name, *to_name; /* NUL-terminated; owned by the recording */
	const uint8_t *data;        /* borrowed from the recording's bytes */
	size_t synced;              /* number of the record that made it durable; SIZE_MAX: none */
};

struct recording {
	uint8_t *bytes; /* owned */
	struct record *records;
	size_t count;
	uint32_t id_limit;
};

enum cut_mode {
	CUT_NOTHING_UNSYNCED, /* only what was synced */
	CUT_EVERYTHING,       /* all that was done */
	CUT_NAMES_ONLY,       /* all entries and sizes, but bytes only where synced */
	CUT_BYTES_ONLY,       /* all bytes, but entries only where synced */
	CUT_RANDOM,           /* any part, by the seed */
	CUT_MODE_COUNT
};

struct cut {
	size_t end; /* records from here on did not happen */
	enum cut_mode mode;
	uint64_t seed;
};

/* Files as they are after a cut. */
struct tree;

void recording_load(const char *path, struct recording *ret);
void recording_free(struct recording *recording);

struct tree *recording_cut(const struct recording *recording, const struct cut *cut);
void tree_free(struct tree *tree);
/* Equal trees have equal hashes. */
uint64_t tree_hash(const struct tree *tree);
/* Makes the files below DIRECTORY, which is there and empty. */
void tree_lay_out(const struct tree *tree, const char *directory);

#endif
