/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_PARTS_ADOPTION_H
#define HEDDLE_MOUNT_PARTS_ADOPTION_H

/*
 * Adoption: how a worker gets another supervisor.
 *
 * The worker has every part of its mount, and answers at a socket of the store (run/<thread number>.adopt):
 *
 *     supervisor   {"op":"adopt","formats":{…},"pid":N}
 *     worker       {"ok":true,"op":"parts","worker":N,"mountpoint":S,"options":S,"restarts":N,"last_restart":S}
 *                  or {"ok":false,"error":{…}}
 *                  {"op":"part","part":N} + descriptor, for each part
 *                  {"op":"adopted"}; from here on the connection is the link of control_channel.h, and large files are
 *                  announced
 *
 * The last one who asks is the supervisor. That there is one at a time is no matter of this protocol: who asks has the
 * lock run/<number>.supervisor, and one who is not the keeper has the keeper's lock too, which means that no keeper
 * lives. A death at any moment leaves a worker that can be asked again.
 *
 * Threads     The worker's listener. Errors: -errno, -HD_E_CONTROL_PROTOCOL, -HD_E_OTHER_FORMATS.
 */

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "mount/parts/mount_parts.h"

/* ---- formats: what two processes that share a mount must have in common ---- */

/* {"adoption":N,"arena":N,"requests":N,"journal":N}. */
json_t *hd_formats_describe(void);
/* Compares THEIRS with ours: -HD_E_OTHER_FORMATS with the first that differs. */
int hd_formats_check(const json_t *theirs);

/* With what workers alone share: the library that answered the kernel when the mount began. */
json_t *hd_formats_describe_all(void);
int hd_formats_check_all(const json_t *theirs);

/* ---- in the worker ---- */

struct hd_adoption_offer {
	int link_fd; /* the number that the link has, and keeps */
	int device;
	const char *mountpoint;
	const char *options;
	const char *last_restart; /* may be NULL */
	uint64_t restarts;
};

/* Answers who connects to the part HD_PART_ADOPTION. 1 with *RET_PID: it is our supervisor now. */
int hd_adoption_answer(const struct hd_adoption_offer *offer, pid_t *ret_pid);

#endif
