/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/check/check.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/check/check_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * The order: objects first, because everything else asks which of them are there and sound; threads before the trees,
 * because directories that an overlay has not loaded yet are trees, too.
 */

static int check_name(const char *name, unsigned char type, void *payload)
{
	static const char *const known[] = {"format", ".gitignore", "index.db", "index.db-wal",
		"index.db-shm", "objects", "recent", "threads", "cache", "run", "log", "mnt"};
	struct hd_check *check = payload;

	(void)type;
	for (size_t i = 0; i < HD_ARRAY_SIZE(known); i++)
		if (strcmp(name, known[i]) == 0)
			return 0;
	hd_check_remark(check, "'%s' does not belong into a store; it may be deleted", name);
	return 0;
}

static void index_problem(const char *text, void *payload)
{
	hd_check_problem(payload, "%s", text);
}

static int check_all(struct hd_check *check)
{
	int r = hd_directory_list(check->store->fd, ".", check_name, check);

	if (r == 0)
		r = hd_check_objects(check);
	if (r == 0)
		r = hd_index_check(check->store->index, index_problem, check);
	if (r == 0)
		r = hd_check_states(check);
	if (r == 0)
		r = hd_check_threads(check);
	if (r == 0)
		r = hd_check_directories(check);
	if (r == 0)
		hd_check_unreferenced(check);
	return r;
}

int hd_store_check(
	struct hd_store *store, hd_check_emit emit_text, void *payload, struct hd_check_report *ret_report)
{
	struct hd_check *check = calloc(1, sizeof(*check));
	int r;

	if (!check)
		return -ENOMEM;
	check->store = store;
	check->emit = emit_text;
	check->payload = payload;
	r = check_all(check);
	*ret_report = check->report;
	free(check->objects);
	free(check->directories);
	free(check);
	return r < 0 ? hd_fail_in(r, "check '%s'", store->path) : 0;
}
