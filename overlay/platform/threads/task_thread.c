/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/threads/task_thread.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/threads/thread_stacks.h"

/*
 * Threads and a pool.
 *
 * Signals belong to the main loop, which reads them from a descriptor; a thread that could take one would
 * steal it. Faults (SIGSEGV and its kin) stay open: they are aimed at the thread that made them, and blocking
 * them would only hide the report of a sanitizer or a core handler. So does the one that asks a thread for its stack.
 *
 * The pool's queue is a ring of its full size, so that submit never allocates: a task can be queued when
 * memory is short, which is when a task that frees memory matters. One thread is there from the beginning; the others are started
 * when a task finds none that waits for it, so that a pool for the worst case costs what is used of it. One that cannot be
 * started is not missed: the task waits for the others.
 */

struct thread_start {
	hd_thread_main main;
	void *payload;
	char name[16]; /* TASK_COMM_LEN */
};

void hd_thread_rename(const char *name)
{
	(void)prctl(PR_SET_NAME, name);
}

static void *run_thread(void *payload)
{
	struct thread_start start = *(struct thread_start *)payload;

	free(payload);
	hd_thread_rename(start.name);
	return start.main(start.payload);
}

static void all_but_faults(sigset_t *set)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

	(void)sigfillset(set);
	for (size_t i = 0; i < HD_ARRAY_SIZE(faults); i++)
		(void)sigdelset(set, faults[i]);
	(void)sigdelset(set, hd_thread_stacks_signal());
}

int hd_thread_start(pthread_t *ret_thread, const char *name, hd_thread_main main, void *payload)
{
	struct thread_start *start = malloc(sizeof(*start));
	sigset_t blocked, before;
	pthread_t thread;
	int r;

	if (!start)
		return -ENOMEM;
	start->main = main;
	start->payload = payload;
	(void)snprintf(start->name, sizeof(start->name), "%s", name);

	/* The new thread inherits the mask; setting it inside would leave a moment without it. */
	all_but_faults(&blocked);
	(void)pthread_sigmask(SIG_BLOCK, &blocked, &before);
	r = pthread_create(&thread, NULL, run_thread, start);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r) {
		free(start);
		return -r;
	}
	*ret_thread = thread;
	return 0;
}

void hd_thread_join(pthread_t thread)
{
	(void)pthread_join(thread, NULL);
}

struct queued_task {
	hd_task run;
	void *payload;
};

struct hd_pool {
	struct hd_mutex lock;       /* HD_RANK_LEAF; protects every field marked (lock) */
	struct hd_condition wakeup; /* a task was queued, or stopping was set */
	bool stopping;              /* (lock) */
	size_t first;               /* (lock) slot of the oldest task */
	size_t n_queued;            /* (lock) */
	struct queued_task *queue;  /* (lock) ring of queue_limit slots; owned */
	size_t queue_limit;         /* immutable */
	unsigned idle;              /* (lock) threads that wait for a task */
	unsigned n_threads;         /* (lock) started */
	unsigned limit;             /* immutable */
	char name[16];              /* immutable */
	pthread_t threads[];
};

static bool next_task(struct hd_pool *pool, struct queued_task *ret_task)
{
	bool found;

	hd_mutex_lock(&pool->lock);
	while (!pool->n_queued && !pool->stopping) {
		pool->idle++;
		hd_condition_wait(&pool->wakeup, &pool->lock);
		pool->idle--;
	}
	found = pool->n_queued > 0;
	if (found) {
		*ret_task = pool->queue[pool->first];
		pool->first = (pool->first + 1) % pool->queue_limit;
		pool->n_queued--;
	}
	hd_mutex_unlock(&pool->lock);
	return found;
}

static void *run_pool_thread(void *payload)
{
	struct hd_pool *pool = payload;
	struct queued_task task;

	while (next_task(pool, &task))
		task.run(task.payload);
	return NULL;
}

/* One more, if a task would wait for it. */
static int start_thread_locked(struct hd_pool *pool)
{
	int r;

	if (pool->n_queued <= pool->idle || pool->n_threads == pool->limit || pool->stopping)
		return 0;
	r = hd_thread_start(&pool->threads[pool->n_threads], pool->name, run_pool_thread, pool);
	if (r == 0)
		pool->n_threads++;
	return r;
}

int hd_pool_new(const char *name, unsigned threads, size_t queue_limit, struct hd_pool **ret_pool)
{
	struct hd_pool *pool;
	int r;

	if (!threads || !queue_limit)
		return -EINVAL;
	if (queue_limit > PTRDIFF_MAX / sizeof(*pool->queue))
		return -ENOMEM;
	pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->threads[0]));
	if (!pool)
		return -ENOMEM;
	hd_mutex_init(&pool->lock, HD_RANK_LEAF);
	hd_condition_init(&pool->wakeup);
	pool->queue_limit = queue_limit;
	pool->limit = threads;
	(void)snprintf(pool->name, sizeof(pool->name), "%s", name);
	pool->queue = calloc(queue_limit, sizeof(*pool->queue));
	r = pool->queue ? hd_thread_start(&pool->threads[0], pool->name, run_pool_thread, pool) : -ENOMEM;
	pool->n_threads = r == 0;
	if (r < 0) {
		hd_pool_free(pool);
		return r;
	}
	*ret_pool = pool;
	return 0;
}

int hd_pool_submit(struct hd_pool *pool, hd_task task, void *payload)
{
	int r = 0;

	hd_mutex_lock(&pool->lock);
	if (pool->n_queued == pool->queue_limit) {
		r = -EAGAIN;
	} else {
		size_t slot = (pool->first + pool->n_queued) % pool->queue_limit;

		pool->queue[slot] = (struct queued_task){.run = task, .payload = payload};
		pool->n_queued++;
		(void)start_thread_locked(pool);
		hd_condition_signal(&pool->wakeup);
	}
	hd_mutex_unlock(&pool->lock);
	return r;
}

void hd_pool_free(struct hd_pool *pool)
{
	if (!pool)
		return;
	hd_mutex_lock(&pool->lock);
	pool->stopping = true;
	hd_condition_broadcast(&pool->wakeup);
	hd_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->n_threads; i++)
		hd_thread_join(pool->threads[i]);
	hd_condition_destroy(&pool->wakeup);
	hd_mutex_destroy(&pool->lock);
	free(pool->queue);
	free(pool);
}
