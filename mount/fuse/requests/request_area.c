/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Addresses cost nothing: every slot has a fixed place, and pages are there once they are touched.
 *
 * What is written here is written by one thread of one process at a time, in an order in which a death anywhere leaves
 * something that can be read: a count or a flag comes after what it tells of.
 */

#include "mount/fuse/requests/request_area.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "mount/fuse/requests/request_area_layout.h"
#include "mount/fuse/session/fuse_session_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"

#define AREA_MAGIC 0x3161657241444c48u /* "HLDArea1" */

struct suspect {
	uint64_t unique;
	uint64_t deaths;
};

struct area_head {
	uint64_t magic;
	uint32_t limit; /* one above the last slot that was ever taken */
	uint32_t init_size, init_reply_size;
	uint32_t init_saved;
	uint8_t init[HD_AREA_INIT_SIZE];
	uint8_t init_reply[HD_AREA_INIT_SIZE];
	uint32_t table; /* which list of suspects counts */
	uint32_t n_suspects[2];
	struct suspect suspects[2][HD_AREA_SUSPECTS];
	uint64_t syncs[HD_AREA_SYNCS]; /* 0: free */
};

_Static_assert(sizeof(struct area_head) <= HD_AREA_HEAD_SIZE, "the head has too much in it");

struct hd_request_area {
	struct area_head *head; /* owned mapping */
	_Atomic bool taken[HD_REQUEST_SLOTS];
};

int hd_request_area_map(int fd, struct hd_request_area **ret_area)
{
	struct hd_request_area *area = calloc(1, sizeof(*area));
	void *address;
	int r;

	if (!area)
		return -ENOMEM;
	r = hd_memory_file_size(fd) == HD_AREA_SIZE ? hd_memory_file_map(fd, HD_AREA_SIZE, &address)
						    : -EINVAL;
	if (r < 0) {
		free(area);
		return hd_fail_in(r, "map the requests' memory");
	}
	area->head = address;
	if (area->head->magic == 0)
		area->head->magic = AREA_MAGIC;
	if (area->head->magic != AREA_MAGIC || area->head->limit > HD_REQUEST_SLOTS) {
		hd_request_area_unmap(area);
		return hd_fail(EINVAL, "the requests' memory is not one of this version");
	}
	*ret_area = area;
	return 0;
}

void hd_request_area_unmap(struct hd_request_area *area)
{
	if (!area)
		return;
	hd_memory_file_unmap(area->head, HD_AREA_SIZE);
	free(area);
}

/* ---- slots ---- */

void *hd_request_area_message(const struct hd_request_area *area, uint32_t slot)
{
	return (uint8_t *)area->head + HD_AREA_HEAD_SIZE + slot * HD_AREA_SLOT_SIZE;
}

void *hd_request_area_reply(const struct hd_request_area *area, uint32_t slot)
{
	return (uint8_t *)hd_request_area_message(area, slot) + HD_FUSE_MESSAGE_SIZE;
}

uint32_t hd_request_area_limit(const struct hd_request_area *area)
{
	return __atomic_load_n(&area->head->limit, __ATOMIC_ACQUIRE);
}

static void raise_limit(struct hd_request_area *area, uint32_t limit)
{
	uint32_t seen = hd_request_area_limit(area);

	while (seen < limit && !__atomic_compare_exchange_n(&area->head->limit, &seen, limit, false,
				       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		;
}

/* Of a dead process: what is not taken over yet. */
static bool holds_message(const struct hd_request_area *area, uint32_t slot)
{
	const struct fuse_in_header *header = hd_request_area_message(area, slot);

	return __atomic_load_n(&header->len, __ATOMIC_ACQUIRE) != 0;
}

int hd_request_area_take(struct hd_request_area *area, const struct hd_overlay *overlay, uint32_t *ret_slot)
{
	for (uint32_t slot = 0; slot < HD_REQUEST_SLOTS; slot++) {
		if (atomic_exchange(&area->taken[slot], true))
			continue;
		if (!hd_request_slot_is_free(overlay, slot) || holds_message(area, slot)) {
			atomic_store(&area->taken[slot], false);
			continue;
		}
		raise_limit(area, slot + 1);
		hd_request_area_rouse(area, slot);
		*ret_slot = slot;
		return 0;
	}
	return -EAGAIN;
}

void hd_request_area_give_back(struct hd_request_area *area, uint32_t slot)
{
	hd_request_area_clear(area, slot);
	hd_request_area_rest(area, slot);
	atomic_store(&area->taken[slot], false);
}

void hd_request_area_rest(const struct hd_request_area *area, uint32_t slot)
{
	hd_memory_file_release(hd_request_area_message(area, slot), HD_AREA_SLOT_SIZE);
}

void hd_request_area_rouse(const struct hd_request_area *area, uint32_t slot)
{
	hd_memory_file_make_resident(hd_request_area_message(area, slot), HD_FUSE_MESSAGE_SIZE);
}

void hd_request_area_clear(const struct hd_request_area *area, uint32_t slot)
{
	struct fuse_in_header *header = hd_request_area_message(area, slot);

	__atomic_store_n(&header->len, 0, __ATOMIC_RELEASE);
}

/* ---- INIT ---- */

void hd_request_area_save_init(
	struct hd_request_area *area, const void *message, size_t size, const void *reply, size_t reply_size)
{
	struct area_head *head = area->head;

	if (size > sizeof(head->init) || reply_size > sizeof(head->init_reply))
		return;
	memcpy(head->init, message, size);
	memcpy(head->init_reply, reply, reply_size);
	head->init_size = (uint32_t)size;
	head->init_reply_size = (uint32_t)reply_size;
	__atomic_store_n(&head->init_saved, 1, __ATOMIC_RELEASE);
}

bool hd_request_area_saved_init(const struct hd_request_area *area, void *message, size_t *ret_size,
	void *reply, size_t *ret_reply_size)
{
	const struct area_head *head = area->head;

	if (!__atomic_load_n(&head->init_saved, __ATOMIC_ACQUIRE) || head->init_size > sizeof(head->init) ||
		head->init_reply_size > sizeof(head->init_reply))
		return false;
	memcpy(message, head->init, head->init_size);
	memcpy(reply, head->init_reply, head->init_reply_size);
	*ret_size = head->init_size;
	*ret_reply_size = head->init_reply_size;
	return true;
}

/* ---- syncs ---- */

uint32_t hd_request_area_sync_begin(struct hd_request_area *area, uint64_t unique)
{
	for (uint32_t place = 0; place < HD_AREA_SYNCS; place++) {
		uint64_t free_place = 0;

		if (__atomic_compare_exchange_n(&area->head->syncs[place], &free_place, unique, false,
			    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return place;
	}
	return HD_AREA_SYNCS;
}

void hd_request_area_sync_end(struct hd_request_area *area, uint32_t place)
{
	if (place < HD_AREA_SYNCS)
		__atomic_store_n(&area->head->syncs[place], 0, __ATOMIC_RELEASE);
}

size_t hd_request_area_take_syncs(struct hd_request_area *area, uint64_t uniques[HD_AREA_SYNCS])
{
	size_t n = 0;

	for (uint32_t place = 0; place < HD_AREA_SYNCS; place++) {
		uint64_t unique = area->head->syncs[place];

		area->head->syncs[place] = 0;
		if (unique)
			uniques[n++] = unique;
	}
	return n;
}

/* ---- suspects ---- */

unsigned hd_request_area_deaths(const struct hd_request_area *area, uint64_t unique)
{
	const struct area_head *head = area->head;
	uint32_t table = head->table & 1;

	for (uint32_t i = 0; i < head->n_suspects[table] && i < HD_AREA_SUSPECTS; i++)
		if (head->suspects[table][i].unique == unique)
			return (unsigned)head->suspects[table][i].deaths;
	return 0;
}

void hd_request_area_accuse(struct hd_request_area *area, const uint64_t *uniques, size_t n)
{
	struct area_head *head = area->head;
	uint32_t next = (head->table & 1) ^ 1;

	if (n > HD_AREA_SUSPECTS)
		n = HD_AREA_SUSPECTS;
	for (size_t i = 0; i < n; i++)
		head->suspects[next][i] =
			(struct suspect){uniques[i], hd_request_area_deaths(area, uniques[i]) + 1};
	head->n_suspects[next] = (uint32_t)n;
	__atomic_store_n(&head->table, next, __ATOMIC_RELEASE);
}
