/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/base_deadline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/base_root.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"

/*
 * A dead file server leaves a thread in the kernel for minutes or for ever, and nothing can call it back.
 * What can be had is that the request behind it gets its answer in time and that only the pool's few threads
 * are lost.
 *
 * A listing is collected in the job as a sequence of {entry, name, NUL, xattrs}, each padded to 8 bytes, and
 * given to the callback after it is complete: the callback is the caller's code and may use the caller's
 * stack.
 *
 * The deadline is for silence: each entry that a listing finds moves it. A directory of a million files on a far
 * server takes minutes, and a fixed limit would make it one that can never be listed; a dead server is silent.
 *
 * A job whose caller has gone before it began is skipped: otherwise a queue of forgotten work would keep the
 * threads busy when the server is back.
 *
 * Invariants  1. `references` counts the caller and the queue or thread; the last one frees.
 *             2. Results are written before `done` is set and read after it was seen, both under the lock.
 */

#define DETAIL_SIZE 512
#define RECORD_ALIGNMENT 8

struct job {
	struct hd_mutex lock;
	struct hd_condition finished;
	unsigned references;  /* (lock) */
	uint64_t deadline_ns; /* (lock) of hd_clock_monotonic_ns */
	uint64_t patience_ns; /* how long a call may be silent */
	bool abandoned;       /* (lock) the caller has gone */
	bool done;            /* (lock) */
	int result;
	char detail[DETAIL_SIZE];

	void (*run)(struct job *job);
	struct hd_base *base;               /* borrowed */
	struct hd_base_directory directory; /* list */
	struct hd_content file;             /* read, size, seek */
	uint64_t offset;                    /* read, seek: asked for, and found */
	bool want_data;                     /* seek */
	size_t wanted;                      /* read */
	struct hd_buffer bytes;             /* owned: what was read or listed */
	size_t got;                         /* read */
	uint64_t size;                      /* size */
	struct hd_base_entry root;          /* owned: root */
};

void hd_base_deadline_keep_detail(int r, char *buffer, size_t size)
{
	const char *sentence = hd_error_text(r);
	const char *message = hd_error_message(r);
	size_t length = strlen(message);
	size_t tail = strlen(sentence) + 2;

	if (length < tail || strcmp(message + length - tail + 2, sentence) != 0)
		length = 0;
	else
		length -= tail;
	(void)snprintf(buffer, size, "%.*s", (int)length, message);
}

static int job_new(const struct hd_base_deadline *call, void (*run)(struct job *), struct job **ret_job)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	hd_mutex_init(&job->lock, HD_RANK_LEAF);
	hd_condition_init(&job->finished);
	job->references = 1;
	job->run = run;
	job->base = call->base;
	*ret_job = job;
	return 0;
}

static void job_release(struct job *job)
{
	bool last;

	hd_mutex_lock(&job->lock);
	last = --job->references == 0;
	hd_mutex_unlock(&job->lock);
	if (!last)
		return;
	hd_buffer_clear(&job->bytes);
	hd_base_root_clear(&job->root);
	hd_condition_destroy(&job->finished);
	hd_mutex_destroy(&job->lock);
	free(job);
}

static void job_task(void *payload)
{
	struct job *job = payload;
	bool abandoned;

	hd_mutex_lock(&job->lock);
	abandoned = job->abandoned;
	hd_mutex_unlock(&job->lock);
	if (!abandoned) {
		job->run(job);
		if (job->result < 0)
			hd_base_deadline_keep_detail(job->result, job->detail, sizeof(job->detail));
		hd_mutex_lock(&job->lock);
		job->done = true;
		hd_condition_signal(&job->finished);
		hd_mutex_unlock(&job->lock);
	}
	job_release(job);
}

/* Until the job is done or has been silent for too long; false for the latter. */
static bool job_wait(struct job *job)
{
	bool done;

	hd_mutex_lock(&job->lock);
	while (!job->done && hd_clock_monotonic_ns() < job->deadline_ns)
		(void)hd_condition_wait_until(&job->finished, &job->lock, job->deadline_ns);
	done = job->done;
	job->abandoned = !done;
	hd_mutex_unlock(&job->lock);
	return done;
}

static int job_run(const struct hd_base_deadline *call, struct job *job)
{
	job->patience_ns = (uint64_t)call->milliseconds * 1000000;
	job->deadline_ns = hd_clock_monotonic_ns() + job->patience_ns;
	job->references++;
	if (hd_pool_submit(call->pool, job_task, job) < 0) {
		job->references--;
		return hd_fail(HD_E_BASE_TIMEOUT, "base %s: too many calls wait for it", call->location);
	}
	if (!job_wait(job))
		return hd_fail(HD_E_BASE_TIMEOUT, "base %s: no answer within %u ms", call->location,
			call->milliseconds);
	if (job->result < 0 && job->detail[0])
		return hd_fail(job->result, "%s", job->detail);
	return job->result;
}

/* ---- list ---- */

static size_t padding(size_t size)
{
	return (RECORD_ALIGNMENT - size % RECORD_ALIGNMENT) % RECORD_ALIGNMENT;
}

/* -ECANCELED when nobody waits any more. */
static int show_progress(struct job *job)
{
	bool abandoned;

	hd_mutex_lock(&job->lock);
	job->deadline_ns = hd_clock_monotonic_ns() + job->patience_ns;
	abandoned = job->abandoned;
	hd_mutex_unlock(&job->lock);
	return abandoned ? -ECANCELED : 0;
}

static int collect_entry(const struct hd_base_entry *entry, void *payload)
{
	static const uint8_t zeros[RECORD_ALIGNMENT];
	struct job *job = payload;
	struct hd_buffer *bytes = &job->bytes;

	hd_buffer_put(bytes, entry, sizeof(*entry));
	hd_buffer_put(bytes, entry->name, strlen(entry->name) + 1);
	if (entry->xattrs_size > 0)
		hd_buffer_put(bytes, entry->xattrs, entry->xattrs_size);
	hd_buffer_put(bytes, zeros, padding(bytes->size));
	return hd_buffer_status(bytes) < 0 ? hd_buffer_status(bytes) : show_progress(job);
}

static int replay_entries(const struct hd_buffer *bytes, hd_base_emit emit, void *payload)
{
	size_t position = 0;
	int r = 0;

	while (position < bytes->size && r == 0) {
		struct hd_base_entry entry;

		memcpy(&entry, bytes->data + position, sizeof(entry));
		position += sizeof(entry);
		entry.name = (const char *)bytes->data + position;
		position += strlen(entry.name) + 1;
		entry.xattrs = entry.xattrs_size > 0 ? bytes->data + position : NULL;
		position += entry.xattrs_size;
		position += padding(position);
		r = emit(&entry, payload);
	}
	return r;
}

static void run_list(struct job *job)
{
	job->result = job->base->operations->list(job->base, &job->directory, collect_entry, job);
}

int hd_base_deadline_list(const struct hd_base_deadline *call, const struct hd_base_directory *directory,
	hd_base_emit emit, void *payload)
{
	struct job *job;
	int r = job_new(call, run_list, &job);

	if (r < 0)
		return r;
	job->directory = *directory;
	r = job_run(call, job);
	if (r >= 0)
		r = replay_entries(&job->bytes, emit, payload);
	job_release(job);
	return r;
}

/* ---- read, size, seek, root ---- */

static void run_read(struct job *job)
{
	void *buffer = job->wanted > 0 ? hd_buffer_extend(&job->bytes, job->wanted) : NULL;

	if (job->wanted > 0 && !buffer)
		job->result = -ENOMEM;
	else
		job->result = job->base->operations->read(
			job->base, &job->file, buffer, job->wanted, job->offset, &job->got);
}

int hd_base_deadline_read(const struct hd_base_deadline *call, const struct hd_content *file, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size)
{
	struct job *job;
	int r = job_new(call, run_read, &job);

	if (r < 0)
		return r;
	job->file = *file;
	job->wanted = size;
	job->offset = offset;
	r = job_run(call, job);
	if (r >= 0 && job->got > 0)
		memcpy(buffer, job->bytes.data, job->got);
	if (r >= 0)
		*ret_size = job->got;
	job_release(job);
	return r;
}

static void run_size(struct job *job)
{
	job->result = job->base->operations->size(job->base, &job->file, &job->size);
}

int hd_base_deadline_size(
	const struct hd_base_deadline *call, const struct hd_content *file, uint64_t *ret_size)
{
	struct job *job;
	int r = job_new(call, run_size, &job);

	if (r < 0)
		return r;
	job->file = *file;
	r = job_run(call, job);
	if (r >= 0)
		*ret_size = job->size;
	job_release(job);
	return r;
}

static void run_seek(struct job *job)
{
	job->result =
		job->base->operations->seek(job->base, &job->file, job->offset, job->want_data, &job->offset);
}

int hd_base_deadline_seek(const struct hd_base_deadline *call, const struct hd_content *file, uint64_t offset,
	bool want_data, uint64_t *ret_offset)
{
	struct job *job;
	int r = job_new(call, run_seek, &job);

	if (r < 0)
		return r;
	job->file = *file;
	job->offset = offset;
	job->want_data = want_data;
	r = job_run(call, job);
	if (r >= 0)
		*ret_offset = job->offset;
	job_release(job);
	return r;
}

static void run_root(struct job *job)
{
	job->result = job->base->operations->root(job->base, &job->root);
}

int hd_base_deadline_root(const struct hd_base_deadline *call, struct hd_base_entry *ret_entry)
{
	struct job *job;
	int r = job_new(call, run_root, &job);

	if (r < 0)
		return r;
	r = job_run(call, job);
	if (r >= 0) {
		*ret_entry = job->root;
		job->root.xattrs = NULL;
	}
	job_release(job);
	return r;
}
