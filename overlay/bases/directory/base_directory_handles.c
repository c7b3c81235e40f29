/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/directory/base_directory_handles.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"

/*
 * Sixty-four slots and a clock of uses: a scan of one cache line per slot costs less than the system call it
 * saves, and there is no second structure to keep in step. A slot's handle that gives way while somebody
 * reads through it lives on until that reader releases it.
 *
 * Invariant   A handle is in a slot, or `users` > 0, or it is being freed by the one who saw neither.
 */

struct hd_file_handle {
	uint8_t id[HD_PATH_ID_SIZE];
	int fd;            /* owned */
	unsigned users;    /* (lock) */
	bool cached;       /* (lock) is in a slot */
	uint64_t last_use; /* (lock) */
};

struct hd_file_handles {
	struct hd_mutex lock;
	struct hd_file_handle *slots[HD_FILE_HANDLES_LIMIT]; /* (lock) */
	uint64_t uses;                                       /* (lock) */
};

static void handle_free(struct hd_file_handle *handle)
{
	if (!handle)
		return;
	hd_cleanup_close(&handle->fd);
	free(handle);
}

static struct hd_file_handle *use_locked(struct hd_file_handles *handles, const uint8_t *id)
{
	for (unsigned i = 0; i < HD_FILE_HANDLES_LIMIT; i++) {
		struct hd_file_handle *handle = handles->slots[i];

		if (handle && memcmp(handle->id, id, HD_PATH_ID_SIZE) == 0) {
			handle->users++;
			handle->last_use = ++handles->uses;
			return handle;
		}
	}
	return NULL;
}

/* An empty slot, or that of the handle used longest ago. */
static unsigned choose_slot_locked(const struct hd_file_handles *handles)
{
	unsigned oldest = 0;

	for (unsigned i = 0; i < HD_FILE_HANDLES_LIMIT; i++) {
		if (!handles->slots[i])
			return i;
		if (handles->slots[i]->last_use < handles->slots[oldest]->last_use)
			oldest = i;
	}
	return oldest;
}

/* Puts HANDLE into a slot; returns the handle to free, if the one that gave way has no user. */
static struct hd_file_handle *insert_locked(struct hd_file_handles *handles, struct hd_file_handle *handle)
{
	unsigned slot = choose_slot_locked(handles);
	struct hd_file_handle *evicted = handles->slots[slot];

	handles->slots[slot] = handle;
	handle->cached = true;
	handle->users = 1;
	handle->last_use = ++handles->uses;
	if (evicted)
		evicted->cached = false;
	return evicted && evicted->users == 0 ? evicted : NULL;
}

struct hd_file_handle *hd_file_handles_find(
	struct hd_file_handles *handles, const uint8_t id[HD_PATH_ID_SIZE])
{
	struct hd_file_handle *handle;

	hd_mutex_lock(&handles->lock);
	handle = use_locked(handles, id);
	hd_mutex_unlock(&handles->lock);
	return handle;
}

int hd_file_handles_add(struct hd_file_handles *handles, const uint8_t id[HD_PATH_ID_SIZE], int fd,
	struct hd_file_handle **ret_handle)
{
	struct hd_file_handle *fresh = calloc(1, sizeof(*fresh));
	struct hd_file_handle *unused;
	struct hd_file_handle *handle;

	if (!fresh) {
		hd_cleanup_close(&fd);
		return -ENOMEM;
	}
	memcpy(fresh->id, id, HD_PATH_ID_SIZE);
	fresh->fd = fd;
	hd_mutex_lock(&handles->lock);
	handle = use_locked(handles, id);
	if (handle) {
		unused = fresh;
	} else {
		handle = fresh;
		unused = insert_locked(handles, fresh);
	}
	hd_mutex_unlock(&handles->lock);
	handle_free(unused);
	*ret_handle = handle;
	return 0;
}

int hd_file_handle_fd(const struct hd_file_handle *handle)
{
	return handle->fd;
}

void hd_file_handles_release(struct hd_file_handles *handles, struct hd_file_handle *handle)
{
	bool last;

	hd_mutex_lock(&handles->lock);
	last = --handle->users == 0 && !handle->cached;
	hd_mutex_unlock(&handles->lock);
	if (last)
		handle_free(handle);
}

void hd_file_handles_forget(struct hd_file_handles *handles, struct hd_file_handle *handle)
{
	hd_mutex_lock(&handles->lock);
	for (unsigned i = 0; i < HD_FILE_HANDLES_LIMIT; i++) {
		if (handles->slots[i] == handle)
			handles->slots[i] = NULL;
	}
	handle->cached = false;
	hd_mutex_unlock(&handles->lock);
}

int hd_file_handles_new(struct hd_file_handles **ret_handles)
{
	struct hd_file_handles *handles = calloc(1, sizeof(*handles));

	if (!handles)
		return -ENOMEM;
	hd_mutex_init(&handles->lock, HD_RANK_BASE);
	*ret_handles = handles;
	return 0;
}

void hd_file_handles_free(struct hd_file_handles *handles)
{
	if (!handles)
		return;
	for (unsigned i = 0; i < HD_FILE_HANDLES_LIMIT; i++)
		handle_free(handles->slots[i]);
	hd_mutex_destroy(&handles->lock);
	free(handles);
}
