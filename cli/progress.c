/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <stdint.h>
#include <stdio.h>

#include "cli/output.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/task_thread.h"

/*
 * The work is mostly one blocking request to a mount, so that the line is drawn by a thread of its own, which
 * sleeps on a condition and is woken by the end. Nothing is started unless stderr is a terminal.
 */

#define DELAY_NS 500000000u
#define PERIOD_NS 200000000u

static struct {
	struct hd_pool *pool; /* of the one thread that draws; NULL outside begin and end */
	struct hd_mutex lock;
	struct hd_condition ended;
	const char *label; /* borrowed */
	bool stop;         /* (lock) */
} progress;

/* True when the work ended meanwhile. */
static bool wait_for_end(uint64_t ns)
{
	uint64_t deadline = hd_clock_monotonic_ns() + ns;
	bool in_time = true;
	bool stop;

	hd_mutex_lock(&progress.lock);
	while (!progress.stop && in_time)
		in_time = hd_condition_wait_until(&progress.ended, &progress.lock, deadline);
	stop = progress.stop;
	hd_mutex_unlock(&progress.lock);
	return stop;
}

static void draw(void *payload)
{
	uint64_t began = hd_clock_monotonic_ns();

	(void)payload;
	if (wait_for_end(DELAY_NS))
		return;
	do {
		double seconds = (double)(hd_clock_monotonic_ns() - began) / 1e9;

		fprintf(stderr, "\r%s ... %.1f s\033[K", progress.label, seconds);
		(void)fflush(stderr);
	} while (!wait_for_end(PERIOD_NS));
	fputs("\r\033[K", stderr);
	(void)fflush(stderr);
}

static void forget(void)
{
	hd_pool_free(HD_STEAL(progress.pool));
	hd_condition_destroy(&progress.ended);
	hd_mutex_destroy(&progress.lock);
}

void hd_progress_begin(const char *label, bool quiet)
{
	if (quiet || progress.pool || !hd_output_is_terminal(stderr))
		return;
	progress.label = label;
	progress.stop = false;
	hd_mutex_init(&progress.lock, HD_RANK_LEAF);
	hd_condition_init(&progress.ended);
	if (hd_pool_new("progress", 1, 1, &progress.pool) < 0 ||
		hd_pool_submit(progress.pool, draw, NULL) < 0)
		forget();
}

void hd_progress_end(void)
{
	if (!progress.pool)
		return;
	hd_mutex_lock(&progress.lock);
	progress.stop = true;
	hd_condition_signal(&progress.ended);
	hd_mutex_unlock(&progress.lock);
	forget();
}
