/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What both sides need: bytes, names, dispatch, users.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz_fs/execute.h"

void fuzz_outcome_set(struct fuzz_outcome *outcome, long result)
{
	outcome->result = result;
	outcome->error = result < 0 ? errno : 0;
}

#define FUZZ_EXECUTOR(name, weight) [FUZZ_##name] = fuzz_run_##name,
static const fuzz_executor executors[FUZZ_KIND_COUNT] = {FUZZ_CALLS(FUZZ_EXECUTOR)};
#undef FUZZ_EXECUTOR

#define FUZZ_FLAG(name, weight) [FUZZ_##name] = true,
static const bool handle_kinds[FUZZ_KIND_COUNT] = {FUZZ_HANDLE_KINDS(FUZZ_FLAG)};
static const bool name_kinds[FUZZ_KIND_COUNT] = {FUZZ_NAME_KINDS(FUZZ_FLAG)[FUZZ_open] = true,
	[FUZZ_open_at] = true, [FUZZ_open_nameless] = true, [FUZZ_link_handle] = true};
#undef FUZZ_FLAG

bool fuzz_uses_handle(enum fuzz_kind kind)
{
	return handle_kinds[kind];
}

bool fuzz_uses_path(enum fuzz_kind kind)
{
	return name_kinds[kind];
}

/* User 0 is whoever runs this. The two others share the group 2000, one as a group among others. */
static const struct {
	uid_t uid;
	gid_t gid, groups[2];
} users[FUZZ_USER_COUNT] = {{0, 0, {0, 0}}, {1000, 1000, {1000, 2000}}, {1001, 2000, {2000, 2000}}};

static void become(unsigned user)
{
	if (user != 0 && (setgroups(2, users[user].groups) < 0 || setegid(users[user].gid) < 0 ||
				 seteuid(users[user].uid) < 0))
		abort();
}

static void become_root(unsigned user)
{
	if (user != 0 && (seteuid(0) < 0 || setegid(0) < 0 || setgroups(0, NULL) < 0))
		abort();
}

void fuzz_execute(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	memset(outcome, 0, sizeof(*outcome));
	/* The working directory must not keep a mount busy: run_event in fuzz_fs.c goes home before it is unmounted. */
	if (fchdir(side->root_fd) < 0) {
		fuzz_outcome_set(outcome, -1);
		return;
	}
	(void)umask(operation->umask & 0777);
	become(operation->user);
	executors[operation->kind](side, operation, outcome);
	become_root(operation->user);
}

void fuzz_fill(uint8_t *data, size_t size, uint64_t pattern)
{
	struct fuzz_random random = {.state = pattern};

	/* One in eight patterns is zeros: zeros are what holes and punched ranges are mistaken for. */
	if (pattern % 8 == 0) {
		memset(data, 0, size);
		return;
	}
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = fuzz_random_next(&random);

		memcpy(data + i, &word, size - i < 8 ? size - i : 8);
	}
}

/* At most one entry per kind, in the order that the kernel demands. */
size_t fuzz_fill_acl(uint8_t acl[FUZZ_ACL_SIZE], uint64_t pattern)
{
	static const struct {
		uint16_t tag;
		uint32_t id;
	} entries[] = {{ACL_USER_OBJ, 0}, {ACL_USER, 1000}, {ACL_USER, 1001}, {ACL_GROUP_OBJ, 0},
		{ACL_GROUP, 1000}, {ACL_GROUP, 2000}, {ACL_MASK, 0}, {ACL_OTHER, 0}};
	struct posix_acl_xattr_header header = {.a_version = POSIX_ACL_XATTR_VERSION};
	struct fuzz_random random = {.state = pattern};
	bool named = false;
	size_t size = sizeof(header);

	memcpy(acl, &header, sizeof(header));
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		struct posix_acl_xattr_entry entry = {.e_tag = entries[i].tag,
			.e_perm = (uint16_t)fuzz_random_below(&random, 8),
			.e_id = entries[i].id != 0 ? entries[i].id : (uint32_t)ACL_UNDEFINED_ID};

		if (entries[i].id != 0 && !fuzz_random_chance(&random, 25))
			continue;
		named |= entries[i].id != 0;
		if (entries[i].tag == ACL_MASK && !named && !fuzz_random_chance(&random, 30))
			continue;
		memcpy(acl + size, &entry, sizeof(entry));
		size += sizeof(entry);
	}
	return size;
}

/* FNV-1a, 64 bits; a difference between two sides is what matters, not an attacker. */
uint64_t fuzz_digest(uint64_t digest, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	digest ^= UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < size; i++)
		digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
	return digest;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int fuzz_open_quietly(int directory_fd, const char *path, int flags)
{
	int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NOATIME | flags);

	return fd < 0 && errno == EPERM ? openat(directory_fd, path, O_RDONLY | O_CLOEXEC | flags) : fd;
}

char **fuzz_names(int directory_fd, const char *path, size_t *ret_count)
{
	int fd = fuzz_open_quietly(directory_fd, path, O_DIRECTORY);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	size_t count = 0, capacity = 64;
	char **names;

	*ret_count = 0;
	if (directory == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return NULL;
	}
	names = malloc(capacity * sizeof(*names));
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (count == capacity)
			names = realloc(names, (capacity *= 2) * sizeof(*names));
		if (names == NULL)
			abort();
		names[count++] = strdup(entry->d_name);
	}
	(void)closedir(directory);
	qsort(names, count, sizeof(*names), compare_names);
	*ret_count = count;
	return names;
}

void fuzz_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

int fuzz_side_open(struct fuzz_side *side)
{
	for (size_t i = 0; i < FUZZ_HANDLE_COUNT; i++)
		side->handles[i] = -1;
	side->root_fd = open(side->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return side->root_fd < 0 ? -errno : 0;
}

void fuzz_side_close(struct fuzz_side *side)
{
	for (size_t i = 0; i < FUZZ_HANDLE_COUNT; i++) {
		if (side->handles[i] >= 0)
			(void)close(side->handles[i]);
		side->handles[i] = -1;
	}
	for (size_t i = 0; i < FUZZ_MAPPING_COUNT; i++)
		fuzz_mapping_drop(&side->mappings[i]);
	(void)close(side->root_fd);
	side->root_fd = -1;
}
