/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names: whatever is not idempotent, with the answer that the first and only try must get. A second try of a mkdir
 * would say EEXIST, of an unlink ENOENT, of an exclusive create EEXIST, of an exclusive attribute EEXIST.
 */

#include "tests/torture/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static void check_links(struct load *load, const struct load_file *file)
{
	struct stat stat;

	load_expect(load, lstat(file->name, &stat) == 0, "stat", file->name);
	load_expect(load, stat.st_nlink == file->links, "link count of", file->name);
	load_expect(load, (size_t)stat.st_size == file->size, "size of", file->name);
}

static void make_or_remove(struct load *load, struct load_file *file)
{
	int fd;

	if (!file->exists) {
		fd = open(file->name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
		load_expect(load, fd >= 0, "create", file->name);
		load_expect(load, close(fd) == 0, "close", file->name);
		file->exists = true;
		file->links = 1;
		file->size = 0;
		file->marked = false;
		return;
	}
	check_links(load, file);
	if (file->links > 1)
		return;
	load_expect(load, unlink(file->name) == 0, "unlink", file->name);
	load_expect(load, access(file->name, F_OK) < 0 && errno == ENOENT, "still there:", file->name);
	file->exists = false;
}

static void make_or_remove_directory(struct load *load, unsigned i)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "d%u", i);
	if (load->subdirectories[i])
		load_expect(load, rmdir(name) == 0, "rmdir", name);
	else
		load_expect(load, mkdir(name, 0755) == 0, "mkdir", name);
	load->subdirectories[i] = !load->subdirectories[i];
}

/* Renames to a name and back, with the check that the first is gone; sometimes over another file. */
static void rename_around(struct load *load, struct load_file *file)
{
	struct load_file *victim = &load->files[load_draw(load) % LOAD_FILES];
	char other[48];

	if (!file->exists)
		return;
	(void)snprintf(other, sizeof(other), "%s-renamed", file->name);
	load_expect(load, rename(file->name, other) == 0, "rename", file->name);
	load_expect(load, access(file->name, F_OK) < 0 && errno == ENOENT, "renamed and there:", file->name);
	load_expect(load, rename(other, file->name) == 0, "rename", other);
	check_links(load, file);
	if (victim == file || !victim->exists || victim->links > 1 || file->links > 1)
		return;
	load_expect(load, rename(file->name, victim->name) == 0, "rename over", victim->name);
	memcpy(victim->bytes, file->bytes, LOAD_SIZE_LIMIT);
	victim->size = file->size;
	victim->marked = file->marked;
	file->exists = false;
	check_links(load, victim);
}

static void link_or_unlink(struct load *load, struct load_file *file)
{
	char other[48];

	if (!file->exists)
		return;
	(void)snprintf(other, sizeof(other), "%s-link", file->name);
	if (file->links == 1)
		load_expect(load, link(file->name, other) == 0, "link", file->name);
	else
		load_expect(load, unlink(other) == 0, "unlink", other);
	file->links ^= 3;
	check_links(load, file);
}

static void symlink_around(struct load *load)
{
	char target[32];
	ssize_t size;

	load_expect(load, symlink("a/target", "symlink") == 0, "symlink", "symlink");
	size = readlink("symlink", target, sizeof(target));
	load_expect(load, size == 8 && memcmp(target, "a/target", 8) == 0, "readlink", "symlink");
	load_expect(load, unlink("symlink") == 0, "unlink", "symlink");
}

static void mark_or_not(struct load *load, struct load_file *file)
{
	char value[8];

	if (!file->exists)
		return;
	if (file->marked) {
		load_expect(load, getxattr(file->name, "user.mark", value, sizeof(value)) == 1, "getxattr",
			file->name);
		load_expect(load, removexattr(file->name, "user.mark") == 0, "removexattr", file->name);
	} else {
		load_expect(load, setxattr(file->name, "user.mark", "x", 1, XATTR_CREATE) == 0, "setxattr",
			file->name);
	}
	file->marked = !file->marked;
}

/* A lock is there for as long as its descriptor, whatever dies meanwhile. */
static void lock_around(struct load *load, const struct load_file *file)
{
	int first, second;

	if (!file->exists)
		return;
	first = open(file->name, O_RDWR | O_CLOEXEC);
	second = open(file->name, O_RDWR | O_CLOEXEC);
	load_expect(load, first >= 0 && second >= 0, "open", file->name);
	load_expect(load, flock(first, LOCK_EX | LOCK_NB) == 0, "lock", file->name);
	load_expect(load, access(file->name, R_OK) == 0, "access", file->name);
	load_expect(load, flock(second, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK,
		"locked twice:", file->name);
	load_expect(load, close(first) == 0, "close", file->name);
	load_expect(load, flock(second, LOCK_EX | LOCK_NB) == 0, "lock", file->name);
	load_expect(load, close(second) == 0, "close", file->name);
}

void load_names_step(struct load *load)
{
	struct load_file *file = &load->files[load_draw(load) % LOAD_FILES];

	switch (load_draw(load) % 10) {
	case 0:
	case 1:
	case 2:
		make_or_remove(load, file);
		break;
	case 3:
	case 4:
		make_or_remove_directory(load, (unsigned)(load_draw(load) % LOAD_FILES));
		break;
	case 5:
		rename_around(load, file);
		break;
	case 6:
		link_or_unlink(load, file);
		break;
	case 7:
		symlink_around(load);
		lock_around(load, file);
		break;
	case 8:
		mark_or_not(load, file);
		break;
	default:
		load_names_verify(load);
	}
}

/* A listing has exactly the names of the model. */
void load_names_verify(struct load *load)
{
	DIR *directory = opendir(".");
	const struct dirent *entry;
	size_t expected = 2, found = 0;

	load_expect(load, directory != NULL, "opendir", ".");
	for (int i = 0; i < LOAD_FILES; i++)
		expected += (load->files[i].exists ? load->files[i].links : 0) + load->subdirectories[i];
	for (;;) {
		errno = 0;
		entry = readdir(directory);
		if (!entry)
			break;
		found++;
	}
	load_expect(load, errno == 0, "readdir", ".");
	load_expect(load, found == expected, "number of names in", ".");
	(void)closedir(directory);
	for (int i = 0; i < LOAD_FILES; i++)
		if (load->files[i].exists)
			check_links(load, &load->files[i]);
}

void load_names_remove(struct load *load)
{
	for (unsigned i = 0; i < LOAD_FILES; i++) {
		struct load_file *file = &load->files[i];

		if (load->subdirectories[i])
			make_or_remove_directory(load, i);
		if (file->exists && file->links > 1)
			link_or_unlink(load, file);
		if (file->exists)
			make_or_remove(load, file);
	}
}
