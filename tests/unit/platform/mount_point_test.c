/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real mounts that nobody serves, by root and by an ordinary user. As root the ordinary user is a child with
 * a mount namespace of its own, in which /dev/fuse is open to all as udev makes it. Without /dev/fuse the
 * tests are skipped.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/mounts/mount_point.h"
#include "tests/unit/platform/child.h"
#include "tests/unit/platform/scratch.h"

#define SOURCE "heddle:a,b \\c"
#define NOBODY 65534
#define SKIPPED 77

static bool may_mount(void)
{
	HD_AUTO_CLOSE int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	return fd >= 0;
}

struct search {
	const char *directory;
	int n;
	unsigned minor;
	char source[64];
};

static int compare(const struct hd_mount_entry *entry, void *payload)
{
	struct search *search = payload;

	if (strcmp(entry->directory, search->directory) == 0) {
		search->n++;
		search->minor = entry->minor;
		(void)snprintf(search->source, sizeof(search->source), "%s", entry->source);
	}
	return 0;
}

static struct search find(const char *directory)
{
	struct search search = {.directory = directory};

	if (hd_mount_point_list(compare, &search) < 0)
		search.n = -1;
	return search;
}

/* The whole life of one mount. 0, or the number of the step that went wrong: these run in children, too. */
static int attach_list_detach(const char *directory)
{
	const struct hd_mount_request request = {
		.directory = directory, .source = SOURCE, .default_permissions = true};
	HD_AUTO_CLOSE int fd = -1, held = -1;
	struct search found;

	fd = hd_mount_point_attach(&request);
	if (fd < 0) {
		(void)fprintf(stderr, "%s\n", hd_error_message(fd));
		return 1;
	}
	if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC) || (fcntl(fd, F_GETFL) & O_NONBLOCK))
		return 2;
	found = find(directory);
	if (found.n != 1 || strcmp(found.source, SOURCE) != 0)
		return 3;
	/* O_PATH holds the mount without asking the filesystem, which would never answer. */
	held = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (held < 0)
		return 4;
	if (hd_mount_point_detach(directory, false) != -EBUSY)
		return 5;
	if (find(directory).n != 1)
		return 6;
	if (hd_mount_point_detach(directory, true) != 0)
		return 7;
	if (find(directory).n != 0)
		return 8;
	if (hd_mount_point_detach(directory, false) != -EINVAL)
		return 9;
	return 0;
}

/* Its name has a blank, which the mount table escapes. */
static void make_directory(const struct scratch *scratch, char path[128])
{
	(void)snprintf(path, 128, "%s/a b", scratch->path);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void a_mount_is_listed_busy_and_gone(void **state)
{
	char directory[128];

	if (!may_mount())
		skip();
	make_directory(*state, directory);
	assert_int_equal(attach_list_detach(directory), 0);
}

static int live_as_nobody(void *payload)
{
	const char *directory = payload;
	char device[128];
	int fd;

	(void)snprintf(device, sizeof(device), "%s.fuse", directory);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return SKIPPED;
	if (mknod(device, S_IFCHR | 0666, makedev(10, 229)) < 0 || chmod(device, 0666) < 0 ||
		mount(device, "/dev/fuse", NULL, MS_BIND, NULL) < 0)
		return SKIPPED;
	if (chown(directory, NOBODY, NOBODY) < 0 || setgroups(0, NULL) < 0 ||
		setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return SKIPPED;
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0 || access("/usr/bin/fusermount3", X_OK) < 0)
		return SKIPPED;
	(void)close(fd);
	return attach_list_detach(directory);
}

static void an_ordinary_user_has_the_same_mount(void **state)
{
	const struct scratch *scratch = *state;
	char directory[128];
	char words[512];
	int status;

	if (geteuid() != 0)
		skip();
	make_directory(scratch, directory);
	assert_int_equal(chmod(scratch->path, 0755), 0);
	status = child_run(live_as_nobody, directory, words, sizeof(words));
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	if (WEXITSTATUS(status))
		fail_msg("step %d: %s", WEXITSTATUS(status), words);
}

static int be_refused(void *payload)
{
	const struct hd_mount_request request = {.directory = payload, .source = "heddle:x"};
	int r;

	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return SKIPPED;
	r = hd_mount_point_attach(&request);
	(void)fprintf(stderr, "%s", hd_error_message(r));
	return r == -HD_E_MOUNT_REFUSED ? 0 : 1;
}

static void a_refusal_quotes_fusermount(void **state)
{
	const struct scratch *scratch = *state;
	char directory[128];
	char words[512];
	int status;

	if (geteuid() != 0 || access("/usr/bin/fusermount3", X_OK) < 0)
		skip();
	make_directory(scratch, directory);
	assert_int_equal(chmod(scratch->path, 0755), 0);
	/* The directory belongs to root. */
	status = child_run(be_refused, directory, words, sizeof(words));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(status, 0);
	assert_non_null(strstr(words, "fusermount3: "));
	assert_non_null(strstr(words, "the mount was refused"));
}

/* Ends a connection as an administrator does. */
static int abort_connection(unsigned minor)
{
	HD_AUTO_CLOSE int fd = -1;
	char path[64];

	(void)snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/abort", minor);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, "1", 1) == 1 ? 0 : -errno;
}

/* In a mount namespace of its own, because the control files may not be mounted here. */
static int abort_and_detach(void *payload)
{
	const struct hd_mount_request request = {.directory = payload, .source = SOURCE};
	HD_AUTO_CLOSE int fd = -1;
	struct stat st;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", "/sys/fs/fuse/connections", "fusectl", 0, NULL) < 0)
		return SKIPPED;
	fd = hd_mount_point_attach(&request);
	if (fd < 0)
		return SKIPPED;
	if (abort_connection(find(payload).minor) != 0)
		return 1;
	if (stat(payload, &st) == 0 || find(payload).n != 1)
		return 2;
	if (hd_mount_point_detach(payload, false) != 0 || find(payload).n != 0)
		return 3;
	return 0;
}

static void an_aborted_mount_is_dead_and_can_be_detached(void **state)
{
	char directory[128];
	int status;

	make_directory(*state, directory);
	status = child_run(abort_and_detach, directory, NULL, 0);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void what_cannot_be_a_mountpoint_is_refused(void **state)
{
	const struct scratch *scratch = *state;
	struct hd_mount_request request = {.directory = "relative", .source = "heddle:x"};
	char path[128];

	assert_int_equal(hd_mount_point_attach(&request), -EINVAL);
	(void)snprintf(path, sizeof(path), "%s/name", scratch->path);
	request.directory = path;
	assert_int_equal(hd_mount_point_attach(&request), -ENOENT);
	scratch_write(scratch, "name", "");
	assert_int_equal(hd_mount_point_attach(&request), -ENOTDIR);
}

#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_set_up, scratch_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCRATCH(a_mount_is_listed_busy_and_gone),
		WITH_SCRATCH(an_ordinary_user_has_the_same_mount),
		WITH_SCRATCH(a_refusal_quotes_fusermount),
		WITH_SCRATCH(an_aborted_mount_is_dead_and_can_be_detached),
		WITH_SCRATCH(what_cannot_be_a_mountpoint_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
