/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TEXT_STATE_TEXT_H
#define HEDDLE_CLI_TEXT_STATE_TEXT_H

/*
 * State text: a state as people read it.
 *
 * Threads     The main thread. Errors: -ENOMEM.
 */

#include <stdbool.h>
#include <stdio.h>

#include "overlay/store/index/index.h"

/* Digits of an id where it is shown short, if they are enough to tell it from all others. */
#define HD_STATE_SHORT 12

/* ID short, but with as many digits as it needs in this store (INDEX NULL: just short); into TEXT, which is
 * returned. */
const char *hd_state_short(
	struct hd_index *index, const struct hd_state_id *id, char text[HD_STATE_ID_TEXT_SIZE]);
/* The same for the 32 digits of an id, as replies have it. */
const char *hd_state_shorten(struct hd_index *index, const char *digits, char text[HD_STATE_ID_TEXT_SIZE]);

/* Which threads' heads and which tags are where, to be named beside the states. */
struct hd_thread_heads {
	struct hd_index *index;    /* borrowed */
	struct hd_thread *threads; /* owned array of owned records */
	size_t count;
	struct hd_tag *tags; /* owned array of owned records */
	size_t n_tags;
};

/* The heads of all threads, and the tags, as they are now. */
int hd_thread_heads_read(struct hd_index *index, struct hd_thread_heads *ret_heads);
void hd_thread_heads_clear(struct hd_thread_heads *heads);

/* Several lines, as git log prints a commit. */
void hd_state_print(const struct hd_state *state, const struct hd_thread_heads *heads, FILE *stream);

#define HD_AUTO_STATE __attribute__((cleanup(hd_state_clear)))

/* One line: short id, threads, first line of the message. */
void hd_state_print_line(const struct hd_state *state, const struct hd_thread_heads *heads, FILE *stream);

/* The same, in several lines or in one, of a commit that is no state yet; it has no id. */
void hd_state_print_commit(const struct hd_state *commit, bool one_line, FILE *stream);

/* A line: "1 added, 0 modified, 2 deleted", and ", 1 moved" if anything was. */
void hd_state_print_counts(uint64_t added, uint64_t modified, uint64_t deleted, uint64_t moved, FILE *stream);

/* "Fri Nov 20 23:34:19 2026 +0100" into TEXT; returns TEXT. */
#define HD_TIME_TEXT_SIZE 48
const char *hd_time_format(int64_t time_s, int32_t zone_minutes, char text[HD_TIME_TEXT_SIZE]);

#endif
