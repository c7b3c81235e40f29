/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The file `heddle` in the admin directory of a worktree, which whoever may write to a repository may have written: what is taken
 * for a record has all that one must have, and says the same when it is written and read again. And the lists of directories that
 * a repository borrows from: each path is one line, absolute or below the directory of objects.
 *
 * LINK: heddle_capture
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/alternates.h"
#include "capture/git/worktree/worktree_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const char *a, const char *b)
{
	if (!a != !b || (a && (strcmp(a, b) != 0 || strchr(a, '\n'))))
		abort();
}

static void check_record(const char *text)
{
	struct hd_worktree_record record = {0}, again = {0};
	char *written;

	if (hd_worktree_record_parse(text, &record) < 0)
		return;
	if (!record.store || !record.thread || record.number == 0)
		abort();
	written = hd_worktree_record_format(&record);
	if (!written || hd_worktree_record_parse(written, &again) < 0 || again.number != record.number)
		abort();
	check_same(record.store, again.store);
	check_same(record.thread, again.thread);
	check_same(record.born, again.born);
	free(written);
	hd_worktree_record_clear(&record);
	hd_worktree_record_clear(&again);
}

static int check_path(const char *path, void *payload)
{
	size_t *left = payload;

	if (path[0] != '/' || strchr(path, '\n') || (*left)-- == 0)
		abort();
	return 0;
}

static void check_alternates(char *text)
{
	/* No more paths than lines. */
	size_t left = 1;

	for (const char *at = text; *at; at++)
		left += *at == '\n';
	if (hd_alternates_parse("/repository/objects", text, check_path, &left) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	check_record(text);
	check_alternates(text);
	free(text);
	return 0;
}
