/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/bases/place.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/files/file.h"

char *place_new(void)
{
	char *place = strdup("/tmp/heddle-bases-XXXXXX");

	assert_non_null(place);
	assert_non_null(mkdtemp(place));
	return place;
}

void place_remove(char *place)
{
	assert_int_equal(hd_directory_remove_tree(AT_FDCWD, place), 0);
	free(place);
}

char *place_path(const char *place, const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", place, name) > 0);
	return path;
}

void place_write(const char *place, const char *name, const void *data, size_t size)
{
	char *path = place_path(place, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	free(path);
}

void place_write_text(const char *place, const char *name, const char *text)
{
	place_write(place, name, text, strlen(text));
}

void place_make_directory(const char *place, const char *name)
{
	char *path = place_path(place, name);

	assert_int_equal(mkdir(path, 0755), 0);
	free(path);
}

void place_link(const char *place, const char *name, const char *target)
{
	char *path = place_path(place, name);

	assert_int_equal(symlink(target, path), 0);
	free(path);
}

void place_remove_name(const char *place, const char *name)
{
	char *path = place_path(place, name);

	assert_int_equal(remove(path), 0);
	free(path);
}

int listing_collect(const struct hd_base_entry *entry, void *payload)
{
	struct listing *listing = payload;
	struct listed_entry *listed;

	listing->entries = realloc(listing->entries, (listing->count + 1) * sizeof(*listing->entries));
	assert_non_null(listing->entries);
	listed = &listing->entries[listing->count++];
	assert_true(strlen(entry->name) < sizeof(listed->name));
	assert_true(entry->xattrs_size <= sizeof(listed->xattrs));
	listed->entry = *entry;
	(void)snprintf(listed->name, sizeof(listed->name), "%s", entry->name);
	if (entry->xattrs_size > 0)
		memcpy(listed->xattrs, entry->xattrs, entry->xattrs_size);
	return 0;
}

/* The array may have moved since the entry was added, so its pointers are set when somebody asks. */
const struct hd_base_entry *listing_find(const struct listing *listing, const char *name)
{
	for (size_t i = 0; i < listing->count; i++) {
		struct listed_entry *listed = &listing->entries[i];

		if (strcmp(listed->name, name) == 0) {
			listed->entry.name = listed->name;
			listed->entry.xattrs = listed->entry.xattrs_size > 0 ? listed->xattrs : NULL;
			return &listed->entry;
		}
	}
	return NULL;
}

void listing_clear(struct listing *listing)
{
	free(listing->entries);
	*listing = (struct listing){0};
}
