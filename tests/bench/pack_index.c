/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to make a pack of COUNT objects of SIZE bytes: to write the entries, then the index as heddle does it and as
 * libgit2's indexer does (docs/design/decisions/0030). Milliseconds of CPU time and of the clock, both without syncs.
 *
 *     heddle-bench-pack-index COUNT SIZE
 */
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/git/packs/pack_writer.h"

/* Both would wait for the disk alike. */
int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int fsync(int fd)
{
	(void)fd;
	return 0;
}

struct watch {
	double clock, cpu;
};

static double milliseconds(clockid_t id)
{
	struct timespec time;

	clock_gettime(id, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static struct watch watch_start(void)
{
	return (struct watch){milliseconds(CLOCK_MONOTONIC), milliseconds(CLOCK_PROCESS_CPUTIME_ID)};
}

static void watch_tell(const char *what, const struct watch *since)
{
	printf("%-24s %9.1f ms of CPU %9.1f ms\n", what, milliseconds(CLOCK_PROCESS_CPUTIME_ID) - since->cpu,
		milliseconds(CLOCK_MONOTONIC) - since->clock);
}

static void give_up(const char *what)
{
	fprintf(stderr, "heddle-bench-pack-index: %s\n", what);
	exit(1);
}

/* Half of the bytes compress. */
static void fill(unsigned char *bytes, size_t size, size_t number)
{
	unsigned noise = (unsigned)number * 2654435761u + 1;

	for (size_t i = 0; i < size; i++) {
		noise = noise * 1664525u + 1013904223u;
		bytes[i] = i % 2 ? (unsigned char)('a' + number % 7) : (unsigned char)(noise >> 24);
	}
	memcpy(bytes, &number, size < sizeof(number) ? size : sizeof(number));
}

static void write_pack(
	struct hd_pack_writer *writer, struct hd_pack_entry *entries, size_t count, size_t size)
{
	unsigned char *bytes = malloc(size + 1);

	if (!bytes)
		give_up("memory");
	for (size_t i = 0; i < count; i++) {
		fill(bytes, size, i);
		entries[i] = (struct hd_pack_entry){.type = GIT_OBJECT_BLOB, .size = size};
		if (git_odb_hash(&entries[i].id, bytes, size, GIT_OBJECT_BLOB) < 0 ||
			hd_pack_writer_add(writer, bytes, &entries[i]) < 0)
			give_up("add an object");
	}
	free(bytes);
}

static void index_pack(const char *pack, const char *directory)
{
	git_indexer_progress progress;
	git_indexer *indexer;
	static char piece[1 << 20];
	FILE *stream = fopen(pack, "re");
	size_t size;

	if (!stream || git_indexer_new(&indexer, directory, 0, NULL, NULL) < 0)
		give_up("begin to index");
	while ((size = fread(piece, 1, sizeof(piece), stream)) > 0) {
		if (git_indexer_append(indexer, piece, size, &progress) < 0)
			give_up("index");
	}
	if (git_indexer_commit(indexer, &progress) < 0)
		give_up("write the index");
	git_indexer_free(indexer);
	fclose(stream);
}

int main(int argc, char **argv)
{
	size_t count = argc == 3 ? strtoul(argv[1], NULL, 10) : 0,
	       size = count ? strtoul(argv[2], NULL, 10) : 0;
	char directory[] = "/tmp/heddle-bench-pack-XXXXXX", command[256], copy[64], indexed[64];
	struct hd_pack_entry *entries = calloc(count + 1, sizeof(*entries));
	struct hd_pack_writer writer;
	struct watch watch;

	if (count == 0 || !entries)
		give_up("say how many objects, and of how many bytes");
	if (git_libgit2_init() < 0 || !mkdtemp(directory) || hd_pack_writer_begin(directory, &writer) < 0)
		give_up("begin a pack");
	watch = watch_start();
	write_pack(&writer, entries, count, size);
	watch_tell("compress, name, write", &watch);
	watch = watch_start();
	if (hd_pack_writer_finish(&writer, entries, count) < 0)
		give_up("finish the pack");
	watch_tell("heddle's index", &watch);
	snprintf(copy, sizeof(copy), "%s/copy.pack", directory);
	snprintf(indexed, sizeof(indexed), "%s/indexed", directory);
	snprintf(command, sizeof(command), "cp %s/objects/pack/*.pack %s", directory, copy);
	if (system(command) != 0 || mkdir(indexed, 0700) < 0)
		give_up("copy the pack");
	watch = watch_start();
	index_pack(copy, indexed);
	watch_tell("libgit2's indexer", &watch);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	free(entries);
	return system(command) != 0;
}
