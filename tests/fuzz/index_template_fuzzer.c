/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Templates of indexes in a store's cache: what was kept is read again, of a damaged file nothing. The input is two bytes that say where
 * it is damaged, one that says how, and what a template has.
 *
 * MUTATIONS: 3000
 * LINK: heddle_capture
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/git/worktree/index_template.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/heddle-fuzz-XXXXXX";
static struct hd_store store = {.path = directory, .fd = -1};

static void remove_directory(void)
{
	(void)hd_directory_remove_tree(AT_FDCWD, directory);
}

static void prepare(void)
{
	if (store.fd >= 0)
		return;
	if (!mkdtemp(directory))
		abort();
	store.fd = hd_directory_open(AT_FDCWD, directory);
	if (store.fd < 0)
		abort();
	(void)atexit(remove_directory);
}

/* The one file that there is. */
static int damage_file(const char *name, unsigned char type, void *payload)
{
	const uint8_t *how = payload;
	HD_AUTO_BUFFER struct hd_buffer path = {0};
	uint64_t at = (uint64_t)how[0] << 8 | how[1];
	struct stat stat;
	uint8_t byte;
	size_t size;
	int fd;

	(void)type;
	hd_buffer_printf(&path, "%s/cache/%s", directory, name);
	hd_buffer_put_u8(&path, 0);
	fd = hd_file_open(AT_FDCWD, (const char *)path.data, O_RDWR, 0);
	if (fd < 0 || hd_file_stat(fd, &stat) < 0)
		abort();
	at %= (uint64_t)stat.st_size;
	if (how[2] == 0) {
		if (hd_file_truncate(fd, at) < 0)
			abort();
	} else if (hd_file_read_at(fd, &byte, 1, at, &size) < 0 ||
		   hd_file_write_at(fd, &(uint8_t){byte ^ how[2]}, 1, at) < 0) {
		abort();
	}
	(void)close(fd);
	return 0;
}

static void check_read(const struct hd_index_template_key *key, const struct hd_index_template *wanted)
{
	struct hd_index_template template;
	int r = hd_index_template_read(&store, key, &template);

	if (r != (wanted != NULL))
		abort();
	if (wanted &&
		(template.entries.size != wanted->entries.size ||
			memcmp(template.entries.data, wanted->entries.data, wanted->entries.size) != 0 ||
			template.directories.size != wanted->directories.size ||
			memcmp(template.sum, wanted->sum, sizeof(template.sum)) != 0))
		abort();
	hd_index_template_clear(&template);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const git_oid commit = {{1}};
	const struct hd_worktree_stat stat = {.known = true, .root = 1};
	const struct hd_content shown = {0};
	const struct hd_index_template_key key = {&commit, &stat, &shown};
	struct hd_index_template template = {.sum = {1, 2, 3, 4, 5}};
	uint8_t how[3];
	size_t half;

	if (size < 5)
		return 0;
	prepare();
	memcpy(how, data, sizeof(how));
	data += sizeof(how);
	size -= sizeof(how);
	half = size / 2;
	hd_buffer_put(&template.entries, data, half);
	hd_buffer_put(&template.directories, data + half, size - half);
	hd_index_template_keep(&store, &key, &template);
	check_read(&key, &template);
	if (hd_directory_list(store.fd, "cache", damage_file, how) < 0)
		abort();
	check_read(&key, NULL);
	hd_index_template_clear(&template);
	return 0;
}
