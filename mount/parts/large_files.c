/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/parts/large_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mount/control/control_channel.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/log.h"

/* The overlay gives no slot twice before it was dropped, and drops it before it closes the descriptor. */

struct announced {
	uint64_t serial;
	int fd; /* borrowed from the overlay; -1: there is none */
};

struct hd_announcements {
	int link_fd;
	struct hd_mutex lock; /* rank LEAF; protects what follows */
	uint64_t last_serial;
	bool unheard;            /* the last one was not sent */
	struct announced *slots; /* owned array */
	uint32_t count;
};

int hd_announcements_new(int link_fd, struct hd_announcements **ret_announcements)
{
	struct hd_announcements *announcements = calloc(1, sizeof(*announcements));

	if (!announcements)
		return -ENOMEM;
	announcements->link_fd = link_fd;
	hd_mutex_init(&announcements->lock, HD_RANK_LEAF);
	*ret_announcements = announcements;
	return 0;
}

void hd_announcements_free(struct hd_announcements *announcements)
{
	if (!announcements)
		return;
	hd_mutex_destroy(&announcements->lock);
	free(announcements->slots);
	free(announcements);
}

static bool make_room_locked(struct hd_announcements *announcements, uint32_t slot)
{
	uint32_t count = announcements->count ? announcements->count : 64;
	struct announced *slots;

	if (slot < announcements->count)
		return true;
	while (count <= slot)
		count *= 2;
	slots = reallocarray(announcements->slots, count, sizeof(*slots));
	if (!slots)
		return false;
	for (uint32_t i = announcements->count; i < count; i++)
		slots[i] = (struct announced){.fd = -1};
	announcements->slots = slots;
	announcements->count = count;
	return true;
}

static int tell(const struct hd_announcements *announcements, uint32_t slot, uint64_t serial, int fd)
{
	return hd_control_send(announcements->link_fd,
		json_pack("{s:s, s:I, s:I}", "op", fd >= 0 ? "hold" : "drop", "slot", (json_int_t)slot,
			"serial", (json_int_t)serial),
		fd);
}

/* What was not sent is not there, unless another message has been about the slot since. Whether it is news. */
static bool take_back(struct hd_announcements *announcements, uint32_t slot, uint64_t serial, bool failed)
{
	bool news;

	hd_mutex_lock(&announcements->lock);
	if (failed && slot < announcements->count && announcements->slots[slot].serial == serial)
		announcements->slots[slot].fd = -1;
	news = failed && !announcements->unheard;
	announcements->unheard = failed;
	hd_mutex_unlock(&announcements->lock);
	return news;
}

int hd_announce(void *payload, uint32_t slot, int fd)
{
	struct hd_announcements *announcements = payload;
	uint64_t serial;
	bool kept;
	int r;

	hd_mutex_lock(&announcements->lock);
	serial = ++announcements->last_serial;
	kept = make_room_locked(announcements, slot);
	if (kept)
		announcements->slots[slot] = (struct announced){serial, fd};
	hd_mutex_unlock(&announcements->lock);
	r = kept ? tell(announcements, slot, serial, fd) : -ENOMEM;
	if (take_back(announcements, slot, serial, r < 0))
		hd_log(HD_LOG_WARNING, "large files stay in the shared memory, nobody would hold them: %s",
			hd_error_message(r));
	return r;
}

/* A copy of what SLOT has, because the file may go as soon as the lock does. */
static int copy_slot(struct hd_announcements *announcements, uint32_t slot, uint64_t *ret_serial)
{
	int fd = -1;

	hd_mutex_lock(&announcements->lock);
	if (slot < announcements->count && announcements->slots[slot].fd >= 0)
		fd = hd_descriptor_duplicate(announcements->slots[slot].fd);
	*ret_serial = slot < announcements->count ? announcements->slots[slot].serial : 0;
	hd_mutex_unlock(&announcements->lock);
	return fd;
}

void hd_announce_all(struct hd_announcements *announcements)
{
	uint32_t count;

	hd_mutex_lock(&announcements->lock);
	count = announcements->count;
	hd_mutex_unlock(&announcements->lock);
	/* What comes after this is announced by itself. */
	for (uint32_t slot = 0; slot < count; slot++) {
		uint64_t serial;
		HD_AUTO_CLOSE int fd = copy_slot(announcements, slot, &serial);

		if (fd >= 0 && tell(announcements, slot, serial, fd) < 0)
			return;
	}
}

/* ---- held ---- */

static struct hd_held_file *find(struct hd_held_files *held, uint32_t slot)
{
	size_t i;

	for (i = 0; i < held->count; i++)
		if (held->files[i].slot == slot)
			return &held->files[i];
	return NULL;
}

static struct hd_held_file *add(struct hd_held_files *held, uint32_t slot)
{
	if (HD_ARRAY_RESERVE(held->files, held->count, held->capacity) < 0)
		return NULL;
	held->files[held->count] = (struct hd_held_file){.slot = slot, .fd = -1};
	return &held->files[held->count++];
}

bool hd_held_files_hear(struct hd_held_files *held, const json_t *message, int *fd)
{
	uint32_t slot = (uint32_t)json_integer_value(json_object_get(message, "slot"));
	uint64_t serial = (uint64_t)json_integer_value(json_object_get(message, "serial"));
	bool exists = strcmp(hd_control_op(message), "hold") == 0;
	struct hd_held_file *file = find(held, slot);

	if (!file)
		file = add(held, slot);
	if (!file) {
		hd_log(HD_LOG_ERROR, "no memory to hold large file %u; it would not survive its worker",
			slot);
		return false;
	}
	if (serial < file->serial)
		return false;
	/* Told again, and it could not come: it is what is here. Of a slot that was dropped nothing is. */
	if (exists && *fd < 0 && file->fd >= 0 && (file->serial == 0 || file->serial == serial)) {
		file->serial = serial;
		return true;
	}
	hd_cleanup_close(&file->fd);
	file->serial = serial;
	file->fd = exists && *fd >= 0 ? hd_steal_fd(fd) : -1;
	file->lacking = exists && file->fd < 0;
	return true;
}

size_t hd_held_files_lacking(const struct hd_held_files *held)
{
	size_t lacking = 0;

	for (size_t i = 0; i < held->count; i++)
		lacking += held->files[i].lacking;
	return lacking;
}

void hd_held_files_restart(struct hd_held_files *held)
{
	size_t i;

	for (i = 0; i < held->count; i++)
		held->files[i].serial = 0;
}

void hd_held_files_clear(struct hd_held_files *held)
{
	size_t i;

	for (i = 0; i < held->count; i++)
		hd_cleanup_close(&held->files[i].fd);
	free(held->files);
	*held = (struct hd_held_files){0};
}
