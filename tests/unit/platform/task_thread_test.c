/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that leave signals alone, and a pool whose queue has an end. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>

#include <cmocka.h>

#include "overlay/platform/clock.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/threads/task_thread.h"

struct observation {
	char name[16];
	sigset_t mask;
};

static void *observe(void *payload)
{
	struct observation *observation = payload;

	(void)prctl(PR_GET_NAME, observation->name);
	(void)pthread_sigmask(SIG_SETMASK, NULL, &observation->mask);
	return payload;
}

static void a_thread_has_a_name_and_takes_no_signals_but_faults(void **state)
{
	struct observation observation = {0};
	sigset_t before, after;
	pthread_t thread;

	(void)state;
	(void)pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(hd_thread_start(&thread, "a name that is too long", observe, &observation), 0);
	hd_thread_join(thread);
	assert_string_equal(observation.name, "a name that is ");
	assert_true(sigismember(&observation.mask, SIGTERM));
	assert_true(sigismember(&observation.mask, SIGCHLD));
	assert_true(sigismember(&observation.mask, SIGUSR1));
	assert_false(sigismember(&observation.mask, SIGSEGV));
	assert_false(sigismember(&observation.mask, SIGBUS));
	(void)pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

/* Holds the tasks of a pool until it is opened. */
struct gate {
	struct hd_mutex lock;
	struct hd_condition opened;
	bool open; /* (lock) */
	_Atomic int entered, done;
};

static void gate_init(struct gate *gate)
{
	*gate = (struct gate){0};
	hd_mutex_init(&gate->lock, HD_RANK_LEAF);
	hd_condition_init(&gate->opened);
}

static void gate_destroy(struct gate *gate)
{
	hd_condition_destroy(&gate->opened);
	hd_mutex_destroy(&gate->lock);
}

static void pass_gate(void *payload)
{
	struct gate *gate = payload;

	gate->entered++;
	hd_mutex_lock(&gate->lock);
	while (!gate->open)
		hd_condition_wait(&gate->opened, &gate->lock);
	hd_mutex_unlock(&gate->lock);
	gate->done++;
}

static void open_gate(struct gate *gate)
{
	hd_mutex_lock(&gate->lock);
	gate->open = true;
	hd_condition_broadcast(&gate->opened);
	hd_mutex_unlock(&gate->lock);
}

static void wait_entered(struct gate *gate, int n)
{
	for (int i = 0; i < 5000 && gate->entered < n; i++)
		hd_clock_sleep_ns(1000000);
	assert_int_equal(gate->entered, n);
}

static void a_full_queue_refuses_and_the_rest_still_runs(void **state)
{
	struct hd_pool *pool = NULL;
	struct gate gate;

	(void)state;
	gate_init(&gate);
	assert_int_equal(hd_pool_new("pool", 1, 2, &pool), 0);
	assert_int_equal(hd_pool_submit(pool, pass_gate, &gate), 0);
	wait_entered(&gate, 1);
	assert_int_equal(hd_pool_submit(pool, pass_gate, &gate), 0);
	assert_int_equal(hd_pool_submit(pool, pass_gate, &gate), 0);
	assert_int_equal(hd_pool_submit(pool, pass_gate, &gate), -EAGAIN);
	assert_int_equal(gate.done, 0);
	open_gate(&gate);
	hd_pool_free(pool);
	assert_int_equal(gate.done, 3);
	gate_destroy(&gate);
}

static void a_pool_that_was_idle_takes_tasks(void **state)
{
	struct hd_pool *pool = NULL;
	struct gate gate;

	(void)state;
	gate_init(&gate);
	open_gate(&gate);
	assert_int_equal(hd_pool_new("pool", 2, 2, &pool), 0);
	for (int i = 1; i <= 3; i++) {
		hd_clock_sleep_ns(20000000);
		assert_int_equal(hd_pool_submit(pool, pass_gate, &gate), 0);
		wait_entered(&gate, i);
	}
	hd_pool_free(pool);
	assert_int_equal(gate.done, 3);
	gate_destroy(&gate);
}

static void tasks_run_side_by_side(void **state)
{
	struct hd_pool *pool = NULL;
	struct gate gate;

	(void)state;
	gate_init(&gate);
	assert_int_equal(hd_pool_new("pool", 4, 8, &pool), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(hd_pool_submit(pool, pass_gate, &gate), 0);
	wait_entered(&gate, 4);
	open_gate(&gate);
	hd_pool_free(pool);
	assert_int_equal(gate.done, 4);
	gate_destroy(&gate);
}

static unsigned count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned n = 0;

	assert_non_null(tasks);
	while (readdir(tasks))
		n++;
	assert_int_equal(closedir(tasks), 0);
	return n;
}

static void threads_are_started_when_tasks_need_them(void **state)
{
	unsigned before = count_threads();
	struct hd_pool *pool = NULL;
	struct gate gate;

	(void)state;
	gate_init(&gate);
	assert_int_equal(hd_pool_new("pool", 64, 64, &pool), 0);
	assert_int_equal(count_threads(), before + 1);
	for (int i = 0; i < 8; i++)
		assert_int_equal(hd_pool_submit(pool, pass_gate, &gate), 0);
	wait_entered(&gate, 8);
	/* The first may not have been waiting yet when the first task came. */
	assert_in_range(count_threads(), before + 8, before + 9);
	open_gate(&gate);
	hd_pool_free(pool);
	gate_destroy(&gate);
}

static _Atomic unsigned counted;

static void count(void *payload)
{
	(void)payload;
	counted++;
}

static void no_task_is_lost_or_run_twice(void **state)
{
	struct hd_pool *pool = NULL;
	unsigned submitted = 0;

	(void)state;
	counted = 0;
	assert_int_equal(hd_pool_new("pool", 3, 7, &pool), 0);
	for (int i = 0; i < 20000; i++) {
		int r = hd_pool_submit(pool, count, NULL);

		assert_true(r == 0 || r == -EAGAIN);
		submitted += r == 0;
	}
	hd_pool_free(pool);
	assert_true(submitted >= 7);
	assert_int_equal(counted, submitted);
}

static void a_pool_without_threads_or_queue_is_refused(void **state)
{
	struct hd_pool *pool = NULL;

	(void)state;
	assert_int_equal(hd_pool_new("pool", 0, 1, &pool), -EINVAL);
	assert_int_equal(hd_pool_new("pool", 1, 0, &pool), -EINVAL);
	assert_int_equal(hd_pool_new("pool", 1, SIZE_MAX, &pool), -ENOMEM);
	assert_null(pool);
	hd_pool_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_has_a_name_and_takes_no_signals_but_faults),
		cmocka_unit_test(a_full_queue_refuses_and_the_rest_still_runs),
		cmocka_unit_test(a_pool_that_was_idle_takes_tasks),
		cmocka_unit_test(threads_are_started_when_tasks_need_them),
		cmocka_unit_test(tasks_run_side_by_side),
		cmocka_unit_test(no_task_is_lost_or_run_twice),
		cmocka_unit_test(a_pool_without_threads_or_queue_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
