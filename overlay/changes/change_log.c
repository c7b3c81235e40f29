/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/changes/change_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_LIMIT 16384u

int hd_change_log_new(uint64_t era, uint64_t last, struct hd_change_log **ret_log)
{
	struct hd_change_log *log = calloc(1, sizeof(*log));

	if (log)
		log->items = calloc(ITEMS_LIMIT, sizeof(*log->items));
	if (!log || !log->items) {
		free(log);
		return -ENOMEM;
	}
	log->era = era;
	log->begin = last;
	*ret_log = log;
	return 0;
}

static void drop_first(struct hd_change_log *log)
{
	struct hd_logged *item = &log->items[log->first];

	log->begin = item->change;
	free(item->name);
	*item = (struct hd_logged){0};
	log->first = (log->first + 1) % ITEMS_LIMIT;
	log->count--;
}

void hd_change_log_free(struct hd_change_log *log)
{
	if (!log)
		return;
	while (log->count > 0)
		drop_first(log);
	free(log->items);
	free(log);
}

static void add(struct hd_overlay *overlay, struct hd_logged item)
{
	struct hd_change_log *log = overlay->changes;

	if (!log) {
		free(item.name);
		return;
	}
	item.change = hd_record_thread(overlay->arena)->change;
	if (log->count == ITEMS_LIMIT)
		drop_first(log);
	log->items[(log->first + log->count++) % ITEMS_LIMIT] = item;
}

void hd_change_log_name_gone(struct hd_overlay *overlay, hd_ino parent, const char *name, bool is_directory)
{
	struct hd_logged item = {.kind = HD_LOGGED_NAME_GONE,
		.ino = parent,
		.is_directory = is_directory,
		.name = strdup(name)};

	if (item.name)
		add(overlay, item);
	else if (overlay->changes)
		overlay->changes->begin = hd_record_thread(overlay->arena)->change;
}

void hd_change_log_moved(struct hd_overlay *overlay, uint32_t directory)
{
	add(overlay,
		(struct hd_logged){.kind = HD_LOGGED_MOVED, .ino = hd_inode_id(overlay->arena, directory)});
}

const struct hd_logged *hd_change_log_item(const struct hd_change_log *log, size_t index)
{
	return &log->items[(log->first + index) % ITEMS_LIMIT];
}
