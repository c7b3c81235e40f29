/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/dot/dot_states.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/checksum.h"
#include "overlay/platform/error.h"
#include "overlay/store/index/index_operations.h"

/*
 * Cookies, so that a listing goes on where it was although states come in between: names have a checksum of the name,
 * and are listed in the order of that; states, which are listed by id, have the beginning of the id, above all names.
 */

#define FIRST_COOKIE 3u /* behind "." and ".." */
#define ID_MARK (1ull << 61)
#define COOKIE_MASK (ID_MARK - 1)

static int digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hd_dot_states_is_id(const char *name, struct hd_state_id *ret_id)
{
	if (strlen(name) != HD_STATE_ID_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < HD_STATE_ID_SIZE; i++) {
		int high = digit_of(name[2 * i]), low = digit_of(name[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_id->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int take_time(const struct hd_operation *operation, void *payload)
{
	struct timespec *time = payload;

	time->tv_sec = operation->time_s;
	time->tv_nsec = (long)(operation->number % 1000000000u);
	return 0;
}

void hd_dot_states_time(struct hd_index *index, struct timespec *ret_time)
{
	if (hd_index_list_operations(index, NULL, 1, take_time, ret_time) < 0)
		hd_error_clear();
}

/* ---- the list ---- */

struct listed {
	uint64_t cookie;
	char name[256];
	uint64_t number;
	bool is_tree;
};

struct list {
	struct listed *items; /* owned */
	size_t count, capacity;
	uint64_t after; /* what is not above is left out */
};

static int add(struct list *list, const struct listed *item)
{
	if (item->cookie <= list->after)
		return 0;
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 64;
		struct listed *items = reallocarray(list->items, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = *item;
	return 0;
}

static int add_name(struct list *list, const char *name)
{
	struct listed item = {.cookie = hd_checksum64(name, strlen(name)) & (COOKIE_MASK >> 1)};
	struct hd_state_id id;

	/* One that looks like an id is not found by its name: the id is. */
	if (strlen(name) >= sizeof(item.name) || hd_dot_states_is_id(name, &id))
		return 0;
	if (item.cookie < FIRST_COOKIE)
		item.cookie += FIRST_COOKIE;
	memcpy(item.name, name, strlen(name) + 1);
	item.number = HD_STATE_NUMBERS | item.cookie;
	return add(list, &item);
}

static int add_thread(const struct hd_thread *thread, void *payload)
{
	return add_name(payload, thread->name);
}

static int add_tag(const struct hd_tag *tag, void *payload)
{
	/* "git/main" is no name that a directory can have. */
	return strchr(tag->name, '/') ? 0 : add_name(payload, tag->name);
}

static int add_state(const struct hd_state_id *id, void *payload)
{
	struct listed item = {.is_tree = true, .number = hd_state_tree_number(id)};

	for (size_t i = 0; i < sizeof(item.cookie); i++)
		item.cookie = item.cookie << 8 | id->bytes[i];
	item.cookie = ID_MARK | item.cookie >> 3;
	hd_state_id_format(id, item.name);
	return add(payload, &item);
}

static int compare(const void *a, const void *b)
{
	const struct listed *left = a, *right = b;

	return left->cookie < right->cookie ? -1 : left->cookie > right->cookie;
}

/* A tag and a thread of one name are one entry. */
static void drop_repeated(struct list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (kept == 0 || strcmp(list->items[kept - 1].name, list->items[i].name) != 0)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

static int collect(struct hd_index *index, struct list *list)
{
	int r = 0;

	if (list->after < ID_MARK) {
		r = hd_index_list_threads(index, add_thread, list);
		if (r == 0)
			r = hd_index_list_tags(index, add_tag, list);
	}
	if (r == 0)
		r = hd_index_list_states(index, add_state, list);
	if (r == 0 && list->count > 0) {
		qsort(list->items, list->count, sizeof(*list->items), compare);
		drop_repeated(list);
	}
	return r;
}

static bool fill_dot(
	const char *name, uint64_t number, uint64_t cookie, hd_directory_fill fill, void *payload)
{
	struct hd_directory_item item = {
		.name = name, .name_length = strlen(name), .cookie = cookie, .partial = true};

	item.attributes.mode = S_IFDIR | 0500;
	item.attributes.number = number;
	return fill(&item, payload);
}

int hd_dot_states_list(struct hd_overlay *overlay, uint64_t cookie, uint64_t own, uint64_t above,
	hd_directory_fill fill, void *payload)
{
	struct list list = {.after = cookie < 2 ? 2 : cookie};
	int r;

	if (cookie == 0 && !fill_dot(".", own, 1, fill, payload))
		return 0;
	if (cookie <= 1 && !fill_dot("..", above, 2, fill, payload))
		return 0;
	r = collect(hd_overlay_store(overlay)->index, &list);
	for (size_t i = 0; r == 0 && i < list.count; i++) {
		struct hd_directory_item item = {.name = list.items[i].name,
			.name_length = strlen(list.items[i].name),
			.cookie = list.items[i].cookie,
			.partial = true};

		item.attributes.mode = list.items[i].is_tree ? S_IFDIR | 0500 : S_IFLNK | 0777;
		item.attributes.number = list.items[i].number;
		if (!fill(&item, payload))
			break;
	}
	free(list.items);
	return r;
}
