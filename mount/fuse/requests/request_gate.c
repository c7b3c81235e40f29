/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/requests/request_gate.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/threads/activity.h"

/*
 * Passing costs two counts of one number. Who enters counts first and looks then, who closes the gate closes first and
 * looks then, so that one of the two sees the other.
 */

struct files {
	hd_ino *inos; /* owned, sorted */
	size_t n;
};

struct hd_request_gate {
	_Atomic unsigned inside;
	_Atomic bool closed;
	bool expects_again;       /* counted as one who is inside; of who reads alone */
	_Atomic bool has_stale;   /* the kernel has not heard of all of them */
	_Atomic bool has_doubted; /* there are some */
	struct hd_mutex lock;     /* rank SESSION; protects all below, and goes with the conditions */
	struct hd_condition emptied, opened, shown;
	struct files replaced;
	struct files doubted;       /* the kernel believes old times of them */
	struct timespec doubted_at; /* later ones are new */
};

int hd_request_gate_new(struct hd_request_gate **ret_gate)
{
	struct hd_request_gate *gate = calloc(1, sizeof(*gate));

	if (!gate)
		return -ENOMEM;
	hd_mutex_init(&gate->lock, HD_RANK_SESSION);
	hd_condition_init(&gate->emptied);
	hd_condition_init(&gate->opened);
	hd_condition_init(&gate->shown);
	*ret_gate = gate;
	return 0;
}

void hd_request_gate_free(struct hd_request_gate *gate)
{
	if (!gate)
		return;
	hd_condition_destroy(&gate->shown);
	hd_condition_destroy(&gate->opened);
	hd_condition_destroy(&gate->emptied);
	hd_mutex_destroy(&gate->lock);
	free(gate->replaced.inos);
	free(gate->doubted.inos);
	free(gate);
}

bool hd_request_gate_concerns(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_SETATTR:
	case FUSE_SYMLINK:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_LINK:
	case FUSE_OPEN: /* may truncate */
	case FUSE_WRITE:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
	case FUSE_CREATE:
	case FUSE_TMPFILE:
	case FUSE_FALLOCATE:
	case FUSE_COPY_FILE_RANGE:
		return true;
	default:
		return false;
	}
}

static void wait_until_open(struct hd_request_gate *gate)
{
	HD_WAITS_FOR("the switch to another tree");

	hd_mutex_lock(&gate->lock);
	while (gate->closed)
		hd_condition_wait(&gate->opened, &gate->lock);
	hd_mutex_unlock(&gate->lock);
}

void hd_request_gate_enter(struct hd_request_gate *gate)
{
	for (;;) {
		atomic_fetch_add(&gate->inside, 1);
		if (!atomic_load(&gate->closed))
			return;
		hd_request_gate_leave(gate);
		wait_until_open(gate);
	}
}

void hd_request_gate_leave(struct hd_request_gate *gate)
{
	if (atomic_fetch_sub(&gate->inside, 1) != 1 || !atomic_load(&gate->closed))
		return;
	hd_mutex_lock(&gate->lock);
	hd_condition_signal(&gate->emptied);
	hd_mutex_unlock(&gate->lock);
}

static void wait_until_shown_locked(struct hd_request_gate *gate)
{
	HD_WAITS_FOR("the command of the switch before, which shows the kernel its files");

	while (gate->doubted.n > 0)
		hd_condition_wait(&gate->shown, &gate->lock);
}

void hd_request_gate_enter_again(struct hd_request_gate *gate)
{
	atomic_fetch_add(&gate->inside, 1);
}

void hd_request_gate_expect_again(struct hd_request_gate *gate)
{
	gate->expects_again = true;
	hd_request_gate_enter_again(gate);
}

void hd_request_gate_no_more_again(struct hd_request_gate *gate)
{
	if (!gate->expects_again)
		return;
	gate->expects_again = false;
	hd_request_gate_leave(gate);
}

void hd_request_gate_close(struct hd_request_gate *gate)
{
	hd_mutex_lock(&gate->lock);
	wait_until_shown_locked(gate);
	atomic_store(&gate->closed, true);
	while (atomic_load(&gate->inside) > 0)
		hd_condition_wait(&gate->emptied, &gate->lock);
	hd_mutex_unlock(&gate->lock);
}

void hd_request_gate_open(struct hd_request_gate *gate, hd_ino *files, size_t n)
{
	hd_mutex_lock(&gate->lock);
	free(gate->replaced.inos);
	gate->replaced = (struct files){.inos = files, .n = n};
	atomic_store(&gate->has_stale, n > 0);
	atomic_store(&gate->closed, false);
	hd_condition_broadcast(&gate->opened);
	hd_mutex_unlock(&gate->lock);
}

void hd_request_gate_settled(struct hd_request_gate *gate)
{
	atomic_store(&gate->has_stale, false);
}

static int compare(const void *a, const void *b)
{
	hd_ino left = *(const hd_ino *)a, right = *(const hd_ino *)b;

	return left < right ? -1 : left > right;
}

static const hd_ino *find(const struct files *files, hd_ino ino)
{
	return files->inos ? bsearch(&ino, files->inos, files->n, sizeof(ino), compare) : NULL;
}

bool hd_request_gate_is_stale(struct hd_request_gate *gate, hd_ino ino)
{
	bool stale;

	if (!atomic_load(&gate->has_stale))
		return false;
	hd_mutex_lock(&gate->lock);
	stale = find(&gate->replaced, ino) != NULL;
	hd_mutex_unlock(&gate->lock);
	return stale;
}

void hd_request_gate_doubt_times(struct hd_request_gate *gate, hd_ino *files, size_t n)
{
	hd_mutex_lock(&gate->lock);
	free(gate->doubted.inos);
	gate->doubted = (struct files){.inos = files, .n = n};
	gate->doubted_at = hd_clock_now();
	atomic_store(&gate->has_doubted, n > 0);
	if (n == 0)
		hd_condition_broadcast(&gate->shown);
	hd_mutex_unlock(&gate->lock);
}

void hd_request_gate_times_are_known(struct hd_request_gate *gate)
{
	hd_request_gate_doubt_times(gate, NULL, 0);
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

bool hd_request_gate_is_old_time(struct hd_request_gate *gate, hd_ino ino, const struct timespec *time)
{
	bool old;

	if (!atomic_load(&gate->has_doubted))
		return false;
	hd_mutex_lock(&gate->lock);
	old = find(&gate->doubted, ino) && !is_later(time, &gate->doubted_at);
	hd_mutex_unlock(&gate->lock);
	return old;
}
