/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/dot/dot_crowd.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "mount/fuse/dot/dot_directory.h"
#include "mount/fuse/session/fuse_session_types.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/log.h"
#include "overlay/platform/threads/task_thread.h"

/*
 * Since Linux 6.18 a filesystem can name nodes that the kernel drops if nobody uses them, and nobody notices: first those with
 * nothing below them, then those that have nothing below them any more, until half of the limit is left. Their FORGETs come
 * as requests, so this looks at the number meanwhile.
 *
 * An older kernel is told that the name of a state is another thing by now. It drops what is below that name and not in use, and the
 * name itself: who stands in just that directory is told that it is gone until somebody looks the name up again (getcwd(2)).
 * It takes the lock of `states` for that, which somebody may hold who waits for an answer to a look-up there; request threads
 * give it.
 *
 * What is in use stays. It is asked again when there are a quarter of the limit more.
 */

#define LIMIT (512u * 1024u)
#define NOTIFY_PRUNE 9 /* since protocol 7.45; unknown to older headers */
#define BATCH 512u
#define SETTLE_STEP_NS 2000000u
#define SETTLE_STEPS 10u       /* behind a name that may have nothing below it */
#define SETTLE_STEPS_LAST 500u /* a second: before nothing more is expected to come */

struct prune_message {
	struct fuse_out_header header;
	uint32_t count, padding;
	uint64_t spare;
	uint64_t nodes[BATCH];
};
_Static_assert(offsetof(struct prune_message, nodes) == 32, "FUSE_NOTIFY_PRUNE");

struct hd_dot_crowd {
	struct hd_fuse_session *session; /* borrowed */
	uint32_t limit;
	bool may_prune;
	_Atomic uint32_t ask_at; /* nodes from which on the kernel is asked */
	atomic_bool stopping;
	struct hd_mutex lock; /* rank LEAF; protects what follows */
	bool is_running, has_thread;
	pthread_t thread;
};

static uint32_t count(const struct hd_dot_crowd *crowd)
{
	return hd_state_tree_count(crowd->session->overlay);
}

static bool is_enough(const struct hd_dot_crowd *crowd)
{
	return crowd->stopping || count(crowd) <= crowd->limit / 2;
}

static uint64_t freed(const struct hd_dot_crowd *crowd)
{
	return hd_state_tree_freed(crowd->session->overlay);
}

/* Waits until for so many steps no FORGET has come. */
static void settle(const struct hd_dot_crowd *crowd, unsigned steps)
{
	uint64_t last = freed(crowd);

	for (unsigned still = 0; still < steps && !is_enough(crowd); still++) {
		uint64_t now;

		hd_clock_sleep_ns(SETTLE_STEP_NS);
		now = freed(crowd);
		if (now != last)
			still = 0;
		last = now;
	}
}

/* Some nodes without anything below them, from *PLACE on. */
static int prune_some(struct hd_dot_crowd *crowd, uint32_t *place)
{
	struct hd_state_held held[BATCH];
	struct prune_message message = {.header = {.error = NOTIFY_PRUNE}};
	size_t n = hd_state_tree_list(crowd->session->overlay, false, place, held, BATCH);

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		message.nodes[i] = held[i].ino;
	message.count = (uint32_t)n;
	message.header.len = (uint32_t)(offsetof(struct prune_message, nodes) + n * sizeof(message.nodes[0]));
	hd_lock_assert_none_held("notify the kernel");
	return hd_descriptor_write(crowd->session->fd, &message, message.header.len);
}

/* Goes through all nodes. */
static int prune(struct hd_dot_crowd *crowd)
{
	uint32_t place = 0;
	int r;

	do
		r = prune_some(crowd, &place);
	while (r >= 0 && place != 0 && !is_enough(crowd));
	return r;
}

static void drop_names(struct hd_dot_crowd *crowd)
{
	struct hd_fuse_session *session = crowd->session;
	uint32_t place = 0;

	do {
		struct hd_state_held root;

		if (hd_state_tree_list(session->overlay, true, &place, &root, 1) == 1) {
			char name[HD_STATE_ID_TEXT_SIZE];

			hd_state_id_format(&root.state, name);
			hd_lock_assert_none_held("notify the kernel");
			(void)fuse_lowlevel_notify_inval_entry(
				session->native, HD_DOT_STATES_INO, name, strlen(name));
			settle(crowd, SETTLE_STEPS);
		}
	} while (place != 0 && !is_enough(crowd));
}

/* Again while that frees anything: what was above what goes has nothing below it the next time, and programs go on. */
static void ask(struct hd_dot_crowd *crowd)
{
	uint64_t before;

	do {
		before = freed(crowd);
		if (crowd->may_prune && prune(crowd) == -EINVAL)
			crowd->may_prune = false;
		if (!crowd->may_prune)
			drop_names(crowd);
		settle(crowd, SETTLE_STEPS_LAST);
	} while (!is_enough(crowd) && freed(crowd) != before);
}

static void *run(void *payload)
{
	struct hd_dot_crowd *crowd = payload;
	uint32_t before = count(crowd), after;

	ask(crowd);
	after = count(crowd);
	hd_log(HD_LOG_DEBUG, "of %u nodes of states the kernel was asked to let go of, %u are left", before,
		after);
	crowd->ask_at = after <= crowd->limit / 2 ? crowd->limit : after + crowd->limit / 4 + 1;
	hd_mutex_lock(&crowd->lock);
	crowd->is_running = false;
	hd_mutex_unlock(&crowd->lock);
	return NULL;
}

static void start_locked(struct hd_dot_crowd *crowd)
{
	if (crowd->has_thread)
		hd_thread_join(crowd->thread);
	crowd->has_thread = hd_thread_start(&crowd->thread, "hd-crowd", run, crowd) == 0;
	crowd->is_running = crowd->has_thread;
}

void hd_dot_crowd_look(struct hd_dot_crowd *crowd)
{
	if (count(crowd) < crowd->ask_at)
		return;
	hd_mutex_lock(&crowd->lock);
	/* One that has said that it is done needs the lock no more, and is joined at once. */
	if (!crowd->is_running)
		start_locked(crowd);
	hd_mutex_unlock(&crowd->lock);
}

int hd_dot_crowd_new(struct hd_fuse_session *session, struct hd_dot_crowd **ret_crowd)
{
	const char *wanted = getenv("HEDDLE_DEBUG_STATE_NODES");
	struct hd_dot_crowd *crowd = calloc(1, sizeof(*crowd));

	if (!crowd)
		return -ENOMEM;
	crowd->session = session;
	crowd->limit = wanted ? (uint32_t)strtoul(wanted, NULL, 10) : LIMIT;
	crowd->may_prune = !getenv("HEDDLE_DEBUG_NO_PRUNE");
	crowd->ask_at = crowd->limit;
	hd_mutex_init(&crowd->lock, HD_RANK_LEAF);
	*ret_crowd = crowd;
	return 0;
}

void hd_dot_crowd_free(struct hd_dot_crowd *crowd)
{
	bool has_thread;

	if (!crowd)
		return;
	crowd->stopping = true;
	hd_mutex_lock(&crowd->lock);
	has_thread = crowd->has_thread;
	hd_mutex_unlock(&crowd->lock);
	if (has_thread)
		hd_thread_join(crowd->thread);
	hd_mutex_destroy(&crowd->lock);
	free(crowd);
}
