/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/objects/object_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/objects/object_store_types.h"

/* The names are read back by writing them: whatever is not exactly what hd_object_id_path writes is no object's name. */

struct listing {
	struct hd_object_store *store;
	hd_object_emit emit;
	void *payload;
	const char *fanout; /* the subdirectory being listed */
};

static bool parse_path(const char *path, struct hd_object_id *ret_id)
{
	struct hd_object_id id = {.number = 0};
	char expected[HD_OBJECT_PATH_SIZE];
	size_t length = strlen(path);
	unsigned byte;

	if (length < 33)
		return false;
	for (size_t i = 0; i < sizeof(id.hash.bytes); i++) {
		if (sscanf(path + 2 * i + (i > 0), "%2x", &byte) != 1)
			return false;
		id.hash.bytes[i] = (uint8_t)byte;
	}
	if (path[33] == '.')
		id.number = (uint32_t)strtoul(path + 34, NULL, 10);
	if (strcmp(path, hd_object_id_path(&id, expected)) != 0)
		return false;
	*ret_id = id;
	return true;
}

static int check_object(struct hd_object_store *store, const struct hd_object_id *id)
{
	struct hd_object_place place = {0};
	int r;

	place.fd = hd_object_open(store, id, &place.size);
	r = place.fd < 0 ? place.fd : hd_object_check_place(store, id, &place);
	hd_cleanup_close(&place.fd);
	return r;
}

static int emit_path(const struct listing *listing, const char *path)
{
	struct hd_object_found found = {.folder = HD_OBJECTS_DIRECTORY, .path = path};
	int r = hd_work_advance(0);

	if (r < 0)
		return r;
	found.is_named = parse_path(path, &found.id);
	if (found.is_named)
		found.status = check_object(listing->store, &found.id);
	return listing->emit(&found, listing->payload);
}

static int emit_file(const char *name, unsigned char type, void *payload)
{
	const struct listing *listing = payload;
	HD_AUTO_FREE char *path = NULL;

	(void)type;
	if (asprintf(&path, "%s/%s", listing->fanout, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return emit_path(listing, path);
}

static int list_fanout(const char *name, unsigned char type, void *payload)
{
	struct listing *listing = payload;
	int r = hd_work_advance(1);
	char expected[HD_OBJECT_FANOUT_NAME_SIZE];
	unsigned fanout = HD_OBJECT_FANOUT;

	(void)type;
	if (r < 0)
		return r;
	if (sscanf(name, "%2x", &fanout) == 1 && fanout < HD_OBJECT_FANOUT) {
		hd_object_fanout_name(fanout, expected);
		if (strcmp(name, expected) == 0) {
			listing->fanout = expected;
			return hd_directory_list(listing->store->objects_fd, name, emit_file, listing);
		}
	}
	return emit_path(listing, name);
}

static int emit_record(
	const char *path, const struct hd_object_id *id, const struct hd_object_place *place, void *payload)
{
	struct listing *listing = payload;
	struct hd_object_found found = {
		.folder = HD_OBJECT_LOG_DIRECTORY, .path = path, .is_named = id != NULL};
	int r = hd_work_advance(0);

	if (r < 0)
		return r;
	if (id) {
		found.id = *id;
		found.status = hd_object_check_place(listing->store, id, place);
	} else if (place) {
		found.status = -HD_E_OBJECT_CORRUPT;
	}
	return listing->emit(&found, listing->payload);
}

int hd_object_store_check(struct hd_object_store *store, hd_object_emit emit, void *payload)
{
	struct listing listing = {.store = store, .emit = emit, .payload = payload};

	int r;

	hd_work_step(HD_WORK_CHECKING_OBJECTS, HD_OBJECT_FANOUT);
	/* First, as what is in a log now may be a file by the time that the files are listed. */
	r = hd_object_log_list(store, emit_record, &listing);
	return r != 0 ? r : hd_directory_list(store->objects_fd, ".", list_fanout, &listing);
}
