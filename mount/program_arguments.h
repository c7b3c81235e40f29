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

/* Descriptors that a worker and a keeper inherit under fixed numbers, and the one on which heddled reports. */
enum {
	HD_WORKER_LINK_FD = 3,
	HD_WORKER_ARENA_FD = 4,
	HD_WORKER_HOT_FD = 5,
	HD_WORKER_LEASE_FD = 6,    /* kept open to the end, never used */
	HD_WORKER_CLOSED_FD = 7,   /* a flag: the overlay is closed, its memory is of no use any more */
	HD_WORKER_REQUESTS_FD = 8, /* the request area, see request_area.h */
	HD_SUPERVISOR_REPORT_FD = 3,
};

struct hd_program_arguments {
	const char *store;     /* path of the .heddle directory */
	const char *thread;    /* name */
	const char *directory; /* absolute mountpoint; heddled alone */
	const char *options;   /* as hd_mount_options_format writes them; NULL: the defaults */
	bool report;           /* heddled: somebody waits at HD_SUPERVISOR_REPORT_FD; go to the background */
	bool keeper;           /* heddled: outlive the supervisor and its worker, see keeper.h */
	bool salvage;          /* worker: bring a dead worker's memory to disk instead of serving */
	bool take_over;        /* worker: go on where a dead worker was */
};

/* ARGV as main got it. */
int hd_program_arguments_parse(char *const argv[], struct hd_program_arguments *ret_arguments);

#endif
