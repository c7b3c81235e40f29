/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz_fs/draw.h"

static const char *const alphabet[] = {"a", "b", "c", "d", "e", "f", "dir", "sub", "file.txt", "x.c", "lib",
	".hidden", "with blank", "\xc3\xa4\xc3\xb6", "raw\xff\xfe", "-dash"};

static void append_name(char *path, const char *name)
{
	size_t length = strlen(path);

	if (length + strlen(name) + 2 >= FUZZ_PATH_SIZE)
		return;
	if (length > 0)
		path[length++] = '/';
	strcpy(path + length, name);
}

void fuzz_draw_name(struct fuzz_random *random, char *path)
{
	uint64_t kind = fuzz_random_below(random, 100);
	char name[257];

	if (kind < 90) {
		append_name(path, FUZZ_PICK(random, alphabet));
		return;
	}
	if (kind < 98) { /* enough to fill more than one buffer of a listing */
		(void)snprintf(name, sizeof(name), "number-%03u", (unsigned)fuzz_random_below(random, 400));
	} else {
		memset(name, 'n', sizeof(name));
		name[fuzz_random_chance(random, 80) ? 255 : 256] = '\0';
	}
	append_name(path, name);
}

/* Walks down the native side; STOP percent to end at each directory. Leaves PATH empty for the root itself. */
static void draw_existing(struct fuzz_world *world, char *path, unsigned stop)
{
	struct stat st;
	char **names;
	size_t count;

	path[0] = '\0';
	for (unsigned depth = 0; depth < 8; depth++) {
		if (depth > 0 && fuzz_random_chance(&world->random, stop))
			return;
		names = fuzz_names(world->b.root_fd, path[0] != '\0' ? path : ".", &count);
		if (names == NULL)
			return;
		if (count > 0)
			append_name(path, names[fuzz_random_below(&world->random, count)]);
		fuzz_names_free(names, count);
		if (count == 0 || fstatat(world->b.root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISDIR(st.st_mode))
			return;
	}
}

void fuzz_draw_directory(struct fuzz_world *world, char *path)
{
	struct stat st;
	char *slash;

	draw_existing(world, path, 40);
	if (path[0] == '\0' ||
		(fstatat(world->b.root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)))
		return;
	slash = strrchr(path, '/');
	*(slash != NULL ? slash : path) = '\0';
}

void fuzz_draw_new(struct fuzz_world *world, char *path)
{
	if (fuzz_random_chance(&world->random, 92))
		fuzz_draw_directory(world, path);
	else
		draw_existing(world, path, 10);
	if (fuzz_random_chance(&world->random, 3))
		fuzz_draw_name(&world->random, path);
	fuzz_draw_name(&world->random, path);
}

void fuzz_draw_target(struct fuzz_world *world, char *path)
{
	if (fuzz_random_chance(&world->random, 88))
		draw_existing(world, path, 15);
	else
		fuzz_draw_new(world, path);
	if (path[0] == '\0')
		fuzz_draw_name(&world->random, path);
}

void fuzz_draw_typed(struct fuzz_world *world, unsigned types, char *path)
{
	struct stat st;

	for (int i = 0; i < 6; i++) {
		fuzz_draw_target(world, path);
		if (fuzz_random_chance(&world->random, 8) ||
			(fstatat(world->b.root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
				(types & FUZZ_TYPE(st.st_mode & S_IFMT)) != 0))
			return;
	}
}

void fuzz_decorate(struct fuzz_random *random, char *path)
{
	static const char *const endings[] = {"/", "/.", "//", "/.."};
	char *slash;

	if (!fuzz_random_chance(random, 3) || strlen(path) + 4 >= FUZZ_PATH_SIZE || path[0] == '\0')
		return;
	slash = strchr(path, '/');
	if (slash != NULL && fuzz_random_chance(random, 40))
		memmove(slash + 1, slash, strlen(slash) + 1);
	else if (strcmp(path, ".") == 0) /* what is above the roots is one directory for both sides */
		strcat(path, "/.");
	else
		strcat(path, FUZZ_PICK(random, endings));
}

static bool suits(int fd, unsigned types, int access_mode)
{
	struct stat st;
	int mode;

	if (fstat(fd, &st) < 0 || (types & FUZZ_TYPE(st.st_mode & S_IFMT)) == 0)
		return false;
	mode = fcntl(fd, F_GETFL) & O_ACCMODE;
	return access_mode == O_RDONLY || mode == O_RDWR || mode == access_mode;
}

int fuzz_draw_handle(struct fuzz_world *world, unsigned types, int access_mode)
{
	uint64_t start = fuzz_random_below(&world->random, FUZZ_HANDLE_COUNT);
	bool any = fuzz_random_chance(&world->random, 6);

	for (uint64_t i = 0; i < FUZZ_HANDLE_COUNT && !any; i++) {
		uint64_t slot = (start + i) % FUZZ_HANDLE_COUNT;

		if (world->b.handles[slot] >= 0 && suits(world->b.handles[slot], types, access_mode))
			return (int)slot;
	}
	return (int)start;
}

uint64_t fuzz_draw_offset(struct fuzz_random *random)
{
	static const uint64_t edges[] = {0, 1, 4095, 4096, 4097, 65535, 65536, 131072, 1 << 20};

	switch (fuzz_random_below(random, 12)) {
	case 0:
		return FUZZ_PICK(random, edges);
	case 1:
		return fuzz_random_below(random, 3 << 20);
	case 2:
	case 3:
		return fuzz_random_below(random, 300 * 1024);
	default:
		return fuzz_random_below(random, 20000);
	}
}

uint64_t fuzz_draw_length(struct fuzz_random *random)
{
	switch (fuzz_random_below(random, 8)) {
	case 0:
		return fuzz_random_below(random, 3);
	case 1:
		return fuzz_random_below(random, FUZZ_DATA_LIMIT);
	case 2:
		return 4096;
	default:
		return fuzz_random_below(random, 9000);
	}
}

mode_t fuzz_draw_mode(struct fuzz_world *world)
{
	static const mode_t modes[] = {0644, 0755, 0600, 0700, 0444, 0555, 0666, 0777, 0777, 02755, 04755,
		06777, 01777, 03777, 02770, 0640};
	mode_t mode = FUZZ_PICK(&world->random, modes);

	if (fuzz_random_chance(&world->random, 6))
		mode = (mode_t)fuzz_random_below(&world->random, 010000);
	/* An ordinary user locks himself out now and then, not of everything. */
	return world->is_root || fuzz_random_chance(&world->random, 3) ? mode : mode | 0700;
}

int fuzz_draw_open_flags(struct fuzz_random *random)
{
	static const int access_modes[] = {O_RDONLY, O_RDWR, O_RDWR, O_WRONLY};
	static const struct {
		unsigned percent;
		int flags;
	} others[] = {{55, O_CREAT}, {10, O_EXCL | O_CREAT}, {15, O_TRUNC}, {15, O_APPEND}, {10, O_NOFOLLOW},
		{6, O_DIRECTORY}, {3, O_NOATIME}, {3, O_SYNC}};
	int flags = FUZZ_PICK(random, access_modes);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (fuzz_random_chance(random, others[i].percent))
			flags |= others[i].flags;
	/* Before Linux 6.4 the kernel made a file of O_CREAT | O_DIRECTORY; since then it refuses. */
	if ((flags & O_CREAT) && (flags & O_DIRECTORY))
		flags &= ~O_CREAT;
	return flags | O_NONBLOCK; /* a FIFO must not block the run */
}

void fuzz_draw_times(struct fuzz_random *random, struct timespec times[2])
{
	/* Within what ext4 can keep (1901 to 2446). */
	static const int64_t edges[] = {0, -1, -INT64_C(0x7fffffff), INT64_C(0x7fffffff), INT64_C(0x80000000),
		INT64_C(0x100000000), INT64_C(0x37ffffffe)};

	for (int i = 0; i < 2; i++) {
		times[i].tv_sec = (time_t)fuzz_random_below(random, UINT64_C(1700000000));
		times[i].tv_nsec = (long)fuzz_random_below(random, 1000000000);
		if (fuzz_random_chance(random, 10))
			times[i].tv_sec = (time_t)FUZZ_PICK(random, edges);
		if (fuzz_random_chance(random, 15))
			times[i].tv_nsec = UTIME_OMIT;
		else if (fuzz_random_chance(random, 10))
			times[i].tv_nsec = UTIME_NOW;
	}
}
