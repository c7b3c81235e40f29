/* SPDX-License-Identifier: Apache-2.0 */

/* Bytes: written at offsets, appended, cut, mapped, read around the page cache, and compared with the model. */

#include "tests/torture/load.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int open_it(struct load *load, const struct load_file *file, int flags)
{
	int fd = open(file->name, flags | O_CLOEXEC);

	load_expect(load, fd >= 0, "open", file->name);
	return fd;
}

static void close_it(struct load *load, const struct load_file *file, int fd)
{
	load_expect(load, close(fd) == 0, "close", file->name);
}

static void fill(struct load *load, uint8_t *bytes, size_t size)
{
	uint64_t value = load_draw(load);

	for (size_t i = 0; i < size; i++) {
		bytes[i] = (uint8_t)(value >> (8 * (i % 8)));
		if (i % 8 == 7)
			value = value * 6364136223846793005u + 1442695040888963407u;
	}
}

static void write_somewhere(struct load *load, struct load_file *file, bool append)
{
	size_t size = 1 + load_draw(load) % (load_draw(load) % 4 ? 3000 : 40000);
	size_t at = append ? file->size : load_draw(load) % (LOAD_SIZE_LIMIT - 40000);
	int fd;

	if (at + size > LOAD_SIZE_LIMIT)
		return;
	if (at > file->size)
		memset(file->bytes + file->size, 0, at - file->size);
	fill(load, file->bytes + at, size);
	fd = open_it(load, file, append ? O_WRONLY | O_APPEND : O_WRONLY);
	if (append)
		load_expect(
			load, write(fd, file->bytes + at, size) == (ssize_t)size, "append to", file->name);
	else
		load_expect(load, pwrite(fd, file->bytes + at, size, (off_t)at) == (ssize_t)size, "write",
			file->name);
	if (load_draw(load) % 16 == 0)
		load_expect(load, fsync(fd) == 0, "fsync", file->name);
	close_it(load, file, fd);
	if (file->size < at + size)
		file->size = at + size;
}

static void cut(struct load *load, struct load_file *file)
{
	size_t size = load_draw(load) % LOAD_SIZE_LIMIT;

	if (size > file->size)
		memset(file->bytes + file->size, 0, size - file->size);
	load_expect(load, truncate(file->name, (off_t)size) == 0, "truncate", file->name);
	file->size = size;
}

static void map(struct load *load, struct load_file *file)
{
	size_t from, size;
	uint8_t *bytes;
	int fd;

	if (file->size < 16)
		return;
	from = load_draw(load) % (file->size - 8);
	size = 1 + load_draw(load) % (file->size - from < 5000 ? file->size - from : 5000);
	fd = open_it(load, file, O_RDWR);
	bytes = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	load_expect(load, bytes != MAP_FAILED, "map", file->name);
	load_expect(load, memcmp(bytes, file->bytes, file->size) == 0, "bytes of the mapped", file->name);
	fill(load, file->bytes + from, size);
	memcpy(bytes + from, file->bytes + from, size);
	load_expect(load, msync(bytes, file->size, MS_SYNC) == 0, "msync", file->name);
	load_expect(load, munmap(bytes, file->size) == 0, "unmap", file->name);
	close_it(load, file, fd);
}

static void compare(struct load *load, const struct load_file *file, int flags)
{
	void *bytes;
	ssize_t size;
	int fd = open_it(load, file, O_RDONLY | flags);

	if (posix_memalign(&bytes, 4096, LOAD_SIZE_LIMIT) != 0)
		abort();
	size = pread(fd, bytes, LOAD_SIZE_LIMIT, 0);
	load_expect(load, size == (ssize_t)file->size, "number of bytes of", file->name);
	load_expect(load, memcmp(bytes, file->bytes, file->size) == 0, "bytes of", file->name);
	free(bytes);
	close_it(load, file, fd);
}

/* Beyond 4 MiB a file gets memory of its own; it is written in pieces, read back, and removed. */
static void write_big(struct load *load)
{
	static uint8_t bytes[LOAD_BIG_SIZE], read_back[LOAD_BIG_SIZE];
	char name[64];
	int fd;

	(void)snprintf(name, sizeof(name), "big-%d", (int)getpid());
	fill(load, bytes, sizeof(bytes));
	fd = open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
	load_expect(load, fd >= 0, "create", name);
	for (size_t at = 0; at < sizeof(bytes); at += LOAD_BIG_SIZE / 16)
		load_expect(load, pwrite(fd, bytes + at, LOAD_BIG_SIZE / 16, (off_t)at) == LOAD_BIG_SIZE / 16,
			"write", name);
	load_expect(load, unlink(name) == 0, "unlink", name);
	load_expect(load, pread(fd, read_back, sizeof(read_back), 0) == LOAD_BIG_SIZE, "read", name);
	load_expect(load, memcmp(bytes, read_back, sizeof(bytes)) == 0, "bytes of", name);
	load_expect(load, close(fd) == 0, "close", name);
}

void load_data_step(struct load *load)
{
	struct load_file *file = &load->files[load_draw(load) % LOAD_FILES];

	if (load_draw(load) % load->large_every == 0)
		write_big(load);
	if (!file->exists)
		return;
	switch (load_draw(load) % 8) {
	case 0:
	case 1:
		write_somewhere(load, file, false);
		break;
	case 2:
	case 3:
		write_somewhere(load, file, true);
		break;
	case 4:
		cut(load, file);
		break;
	case 5:
		map(load, file);
		break;
	default:
		compare(load, file, load_draw(load) % 2 ? O_DIRECT : 0);
	}
}

void load_data_verify(struct load *load)
{
	for (int i = 0; i < LOAD_FILES; i++)
		if (load->files[i].exists)
			compare(load, &load->files[i], O_DIRECT);
}
