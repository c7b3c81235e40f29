/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_PROGRAM_ARGUMENTS_H
#define HEDDLE_MOUNT_PROGRAM_ARGUMENTS_H

/*
 * Program arguments of heddled and heddle-fuse-worker: "--name value" pairs, written by our own programs
 * alone.
 *
 * Ownership   Texts point into argv. Threads: pure. Errors: -HD_E_USAGE with a detail.
 */

#include <stdbool.h>
#include <stdint.h>

/*
 * Descriptors that are inherited under fixed numbers, beside those of mount_parts.h: the link of a worker and a keeper
 * to the supervisor, a keeper's lock, where heddled reports, and a mount that it is given.
 */
enum {
	HD_WORKER_LINK_FD = 3,
	HD_KEEPER_LOCK_FD = 16,
	HD_SUPERVISOR_REPORT_FD = 3,
	HD_SUPERVISOR_DEVICE_FD = 17, /* a private mount, which who started us has mounted */
};

struct hd_program_arguments {
	const char *store;     /* path of the .heddle directory */
	const char *thread;    /* name */
	uint32_t number;       /* of the thread, as who starts us found it in the index; 0: not told */
	const char *directory; /* absolute mountpoint; heddled alone */
	const char *options;   /* as hd_mount_options_format writes them; NULL: the defaults */
	bool report;           /* heddled: somebody waits at HD_SUPERVISOR_REPORT_FD; go to the background */
	bool keeper;    /* heddled: hold the same, take the supervisor's place when it dies, see keeper.h */
	bool replace;   /* heddled: with adopt; a worker of this build takes the place of the other */
	bool adopt;     /* heddled: supervise a worker that nobody supervises, see adoption.h */
	bool salvage;   /* worker: bring a dead worker's memory to disk instead of serving */
	bool take_over; /* worker: go on where a dead worker was */
};

/* Texts, the number and flags, a name before each text and number, and NULL. */
#define HD_PROGRAM_WORDS 18

struct hd_program_words {
	char *argv[HD_PROGRAM_WORDS];
	char number[11];
};

/* ARGV as main got it. */
int hd_program_arguments_parse(char *const argv[], struct hd_program_arguments *ret_arguments);

/* The other way round; what is not set is left out. The words are borrowed from ARGUMENTS and from *RET_WORDS itself. */
void hd_program_arguments_list(const char *program, const struct hd_program_arguments *arguments,
	struct hd_program_words *ret_words);

#endif
