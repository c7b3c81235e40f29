/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The fast path leaves no sign that something began, so the thread looks at the clock's pace: every half of the
 * patience, and at most once a second.
 *
 * What is due is copied under the table's lock and told of without it: the log may block, and a slot must not wait for
 * the log to be entered into the table or removed.
 */

#include "mount/watchdog/watchdog.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount/fuse/requests/message_counters.h"
#include "mount/watchdog/stack_report.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/log.h"
#include "overlay/platform/threads/task_thread.h"
#include "overlay/platform/threads/thread_stacks.h"

#define LOOK_NS 1000000000u
#define REPORT_NS UINT64_C(60000000000)
#define TOLD_AT_ONCE 16u

struct hd_watchdog {
	struct hd_activities activities;
	struct hd_watchdog_settings settings;
	uint64_t reported_ns;  /* when stacks were written; 0: never */
	_Atomic uint64_t slow; /* operations that were told of */
	uint64_t looked_ns;    /* when the last look was */
	uint64_t awake_ns;     /* of this thread's life, without the time in which it could not look */

	struct hd_mutex lock; /* rank LEAF */
	struct hd_condition stop;
	bool stopping; /* (lock) */
	bool running;
	pthread_t thread;
	_Atomic pid_t thread_id; /* 0 before it has begun */
};

/* What one look found. */
struct look {
	struct hd_watchdog *watchdog;
	unsigned in_flight[HD_MESSAGE_KINDS];
	struct hd_activity_view oldest; /* age 0: none */
	bool found;
	struct hd_activity_view due[TOLD_AT_ONCE];
	unsigned n_due; /* may be more than there is room for */
	unsigned n_new; /* of these, told of for the first time */
	bool hangs;
	struct hd_activity_view hung; /* with hangs: one that does */
};

static void count(const struct hd_activity_view *view, struct look *look)
{
	look->in_flight[view->kind < HD_MESSAGE_KINDS ? view->kind : 0]++;
	if (!look->found || view->age_ns > look->oldest.age_ns)
		look->oldest = *view;
	look->found = true;
}

static void count_one(struct hd_activity *slot, const struct hd_activity_view *view, void *payload)
{
	(void)slot;
	count(view, payload);
}

/*
 * On the clock of the looks: a process that was stopped, by a debugger say, goes on with operations that are old and do
 * not hang.
 */
static void judge_hanging(struct hd_activity *slot, const struct hd_activity_view *view, struct look *look)
{
	const struct hd_watchdog *watchdog = look->watchdog;
	uint64_t began = atomic_load_explicit(&slot->began_ns, memory_order_relaxed);

	if (slot->seen_began_ns != began || view->waits_for) {
		slot->seen_began_ns = began;
		slot->seen_ns = watchdog->awake_ns;
	}
	if (watchdog->settings.hang_ns == 0 ||
		watchdog->awake_ns - slot->seen_ns < watchdog->settings.hang_ns)
		return;
	look->hangs = true;
	look->hung = *view;
}

/* The slot remembers what was told of it: the operation, by its beginning, and its age then. */
static void judge_one(struct hd_activity *slot, const struct hd_activity_view *view, void *payload)
{
	struct look *look = payload;
	uint64_t began = atomic_load_explicit(&slot->began_ns, memory_order_relaxed);
	bool again = slot->told_began_ns == began;

	count(view, look);
	judge_hanging(slot, view, look);
	if (look->watchdog->settings.slow_ns == 0 ||
		view->age_ns < (again ? 2 * slot->told_ns : look->watchdog->settings.slow_ns))
		return;
	slot->told_began_ns = began;
	slot->told_ns = view->age_ns;
	look->n_new += !again;
	if (look->n_due++ < TOLD_AT_ONCE)
		look->due[look->n_due - 1] = *view;
}

static void tell_counts(const struct look *look)
{
	HD_AUTO_BUFFER struct hd_buffer text = {0};

	for (unsigned kind = 0; kind < HD_MESSAGE_KINDS; kind++)
		if (look->in_flight[kind])
			hd_buffer_printf(&text, "%s%s %u", text.size ? ", " : "", hd_message_name(kind),
				look->in_flight[kind]);
	hd_buffer_put_u8(&text, 0);
	if (hd_buffer_status(&text) == 0)
		hd_log(HD_LOG_WARNING, "in flight: %s", (const char *)text.data);
}

static void tell(const struct look *look)
{
	for (unsigned i = 0; i < look->n_due && i < TOLD_AT_ONCE; i++) {
		char line[256];

		hd_stack_report_describe(&look->due[i], line, sizeof(line));
		hd_log(HD_LOG_WARNING, "%s", line);
	}
	if (look->n_due > TOLD_AT_ONCE)
		hd_log(HD_LOG_WARNING, "and %u others", look->n_due - TOLD_AT_ONCE);
	tell_counts(look);
}

static void report_stacks(struct hd_watchdog *watchdog)
{
	const struct hd_watchdog_settings *settings = &watchdog->settings;
	uint64_t now = hd_clock_monotonic_ns();
	int r;

	if (!settings->stacks_directory || (watchdog->reported_ns && now - watchdog->reported_ns < REPORT_NS))
		return;
	watchdog->reported_ns = now;
	r = hd_stack_report_write(&watchdog->activities, settings->stacks_directory, settings->stacks_name);
	if (r < 0)
		hd_log(HD_LOG_WARNING, "the stacks of all threads cannot be written: %s",
			hd_error_message(r));
	else
		hd_log(HD_LOG_WARNING, "the stacks of all threads are in %s/%s", settings->stacks_directory,
			settings->stacks_name);
}

/* A look that was due and came late tells that the process did not run. */
static void count_time(struct hd_watchdog *watchdog, uint64_t pace)
{
	uint64_t now = hd_clock_monotonic_ns();
	uint64_t passed = now - watchdog->looked_ns;

	watchdog->awake_ns += passed < 2 * pace ? passed : 2 * pace;
	watchdog->looked_ns = now;
}

static void give_up(struct hd_watchdog *watchdog, const struct look *look)
{
	char line[256];

	hd_stack_report_describe(&look->hung, line, sizeof(line));
	hd_log(HD_LOG_ERROR, "%s and waits for nothing: process %d ends, for another one to take over", line,
		(int)getpid());
	watchdog->reported_ns = 0;
	report_stacks(watchdog);
	watchdog->settings.give_up(watchdog->settings.payload);
}

static uint64_t pace_of(const struct hd_watchdog_settings *settings)
{
	uint64_t pace = LOOK_NS;

	if (settings->slow_ns && settings->slow_ns / 2 < pace)
		pace = settings->slow_ns / 2;
	if (settings->hang_ns && settings->hang_ns / 2 < pace)
		pace = settings->hang_ns / 2;
	return pace;
}

static void *watch_main(void *payload)
{
	struct hd_watchdog *watchdog = payload;
	uint64_t pace = pace_of(&watchdog->settings);

	atomic_store(&watchdog->thread_id, gettid());
	if (watchdog->settings.begun)
		watchdog->settings.begun(watchdog->settings.payload, gettid());
	hd_mutex_lock(&watchdog->lock);
	while (!watchdog->stopping) {
		struct look look = {.watchdog = watchdog};

		if (hd_condition_wait_until(&watchdog->stop, &watchdog->lock, hd_clock_monotonic_ns() + pace))
			continue;
		hd_mutex_unlock(&watchdog->lock);
		count_time(watchdog, pace);
		hd_activities_look(&watchdog->activities, judge_one, &look);
		atomic_fetch_add(&watchdog->slow, look.n_new);
		if (look.n_due > 0)
			tell(&look);
		if (look.n_new > 0)
			report_stacks(watchdog);
		if (look.hangs)
			give_up(watchdog, &look);
		hd_mutex_lock(&watchdog->lock);
	}
	hd_mutex_unlock(&watchdog->lock);
	return NULL;
}

int hd_watchdog_new(const struct hd_watchdog_settings *settings, struct hd_watchdog **ret_watchdog)
{
	/* Operations keep a cache line of their own, and the table is in here. */
	struct hd_watchdog *watchdog = calloc(1, sizeof(*watchdog));
	int r;

	if (!watchdog)
		return -ENOMEM;
	hd_activities_init(&watchdog->activities);
	hd_mutex_init(&watchdog->lock, HD_RANK_LEAF);
	hd_condition_init(&watchdog->stop);
	watchdog->settings = *settings;
	watchdog->looked_ns = hd_clock_monotonic_ns();
	if (settings->stacks_directory)
		hd_thread_stacks_prepare();
	r = settings->slow_ns || settings->hang_ns
		    ? hd_thread_start(&watchdog->thread, "watchdog", watch_main, watchdog)
		    : 0;
	watchdog->running = (settings->slow_ns || settings->hang_ns) && r >= 0;
	if (r < 0) {
		hd_watchdog_free(watchdog);
		return r;
	}
	*ret_watchdog = watchdog;
	return 0;
}

void hd_watchdog_free(struct hd_watchdog *watchdog)
{
	if (!watchdog)
		return;
	hd_mutex_lock(&watchdog->lock);
	watchdog->stopping = true;
	hd_condition_signal(&watchdog->stop);
	hd_mutex_unlock(&watchdog->lock);
	if (watchdog->running)
		hd_thread_join(watchdog->thread);
	hd_condition_destroy(&watchdog->stop);
	hd_mutex_destroy(&watchdog->lock);
	hd_activities_destroy(&watchdog->activities);
	free(watchdog);
}

pid_t hd_watchdog_thread(struct hd_watchdog *watchdog)
{
	return atomic_load(&watchdog->thread_id);
}

struct hd_activities *hd_watchdog_activities(struct hd_watchdog *watchdog)
{
	return &watchdog->activities;
}

static json_t *view_json(const struct hd_activity_view *view)
{
	return json_pack("{s:s, s:I, s:i, s:I, s:s?}", "operation", hd_message_name(view->kind), "inode",
		(json_int_t)(uint32_t)view->subject, "process", (int)view->caller, "age_ms",
		(json_int_t)(view->age_ns / 1000000u), "waits_for", view->waits_for);
}

json_t *hd_watchdog_json(struct hd_watchdog *watchdog)
{
	struct look look = {.watchdog = watchdog};
	json_t *in_flight = json_object();

	hd_activities_look(&watchdog->activities, count_one, &look);
	for (unsigned kind = 0; in_flight && kind < HD_MESSAGE_KINDS; kind++) {
		if (look.in_flight[kind] && json_object_set_new(in_flight, hd_message_name(kind),
						    json_integer((json_int_t)look.in_flight[kind])) != 0) {
			json_decref(in_flight);
			in_flight = NULL;
		}
	}
	return json_pack("{s:o, s:o, s:I}", "in_flight", in_flight, "slowest",
		look.found ? view_json(&look.oldest) : json_null(), "slow",
		(json_int_t)atomic_load(&watchdog->slow));
}
