/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_THREADS_TASK_THREAD_H
#define HEDDLE_PLATFORM_THREADS_TASK_THREAD_H

/*
 * Threads with all signals blocked and a name, and a bounded pool of them that runs tasks.
 *
 *     hd_pool_new → hd_pool_submit ... → hd_pool_free (runs what is queued, then joins)
 *
 * Threads     submit may run anywhere and never blocks: a full queue answers -EAGAIN.
 */

#include <pthread.h>
#include <stddef.h>

typedef void *(*hd_thread_main)(void *payload);

/* The calling thread is called NAME, cut to 15 bytes, from now on. */
void hd_thread_rename(const char *name);

/* Starts a thread; NAME is cut to 15 bytes. Join with hd_thread_join. */
int hd_thread_start(pthread_t *ret_thread, const char *name, hd_thread_main main, void *payload);

/* Waits until the thread has returned. */
void hd_thread_join(pthread_t thread);

struct hd_pool;
typedef void (*hd_task)(void *payload);

/* THREADS and QUEUE_LIMIT are at least 1; a waiting task costs 16 bytes, reserved here. */
int hd_pool_new(const char *name, unsigned threads, size_t queue_limit, struct hd_pool **ret_pool);
/* -EAGAIN when QUEUE_LIMIT tasks wait. Starts a thread when all are busy and fewer than THREADS; needs no memory. */
int hd_pool_submit(struct hd_pool *pool, hd_task task, void *payload);
/* A task that runs meanwhile may still submit others; they run too. */
void hd_pool_free(struct hd_pool *pool);

#endif
