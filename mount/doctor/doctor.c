/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/doctor/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/mounts/mount_point.h"

/* The table of findings, and what is looked for outside any store. */

#define CONFIGURATION_LIMIT 65536

/* clang-format off */
const struct hd_finding_row hd_finding_table[HD_FINDING_COUNT] = {
	[HD_FINDING_DEAD_MOUNT] = {"dead-mount", HD_FINDING_PROBLEM, "a mountpoint whose processes are gone: every access fails",
		"detach it"},
	[HD_FINDING_UNATTENDED] = {"unattended", HD_FINDING_PROBLEM, "a worker that serves a mount, and neither supervisor nor keeper",
		"start a supervisor that adopts it"},
	[HD_FINDING_SILENT] = {"silent", HD_FINDING_PROBLEM, "a mount that does not answer in ten seconds",
		""},
	[HD_FINDING_LOST_STORE] = {"lost-store", HD_FINDING_PROBLEM, "a mount that is served, and whose store is not where it was",
		""},
	[HD_FINDING_UNRECOVERED] = {"unrecovered", HD_FINDING_PROBLEM, "a thread that was not closed: its journal ends where a crash cut it",
		"open the thread, bring its journal in order and close it"},
	[HD_FINDING_STALE_SOCKET] = {"stale-socket", HD_FINDING_PROBLEM, "a socket at which nobody listens",
		"remove it"},
	[HD_FINDING_STALE_STATUS] = {"stale-status", HD_FINDING_PROBLEM, "the note of a mount (process, mountpoint) that is gone",
		"remove it"},
	[HD_FINDING_STRAY_FILE] = {"stray-file", HD_FINDING_PROBLEM, "a file in run/ or log/ of a thread that does not exist",
		"remove it"},
	[HD_FINDING_TEMPORARY] = {"temporary-file", HD_FINDING_PROBLEM, "an unfinished file, or store, which nobody wrote for an hour",
		"remove it"},
	[HD_FINDING_BASE] = {"base", HD_FINDING_PROBLEM, "a repository or directory that threads begin at is not where it was; put it back there", ""},
	[HD_FINDING_WORKTREE] = {"worktree", HD_FINDING_PROBLEM, "a git worktree of a thread that does not exist any more",
		"remove it, and keep its commits by a reference"},
	[HD_FINDING_NO_WORKTREE] = {"no-worktree", HD_FINDING_PROBLEM, "the git worktree of a mounted thread was removed",
		"have the mount make it again"},
	[HD_FINDING_INDEX_LOCK] = {"index-lock", HD_FINDING_PROBLEM, "git's index of a worktree is locked by a heddle that was killed: git refuses to change it",
		"remove the lock"},
	[HD_FINDING_PERMISSIONS] = {"permissions", HD_FINDING_PROBLEM, "others may look into the store, where the bytes of private files are",
		"take their rights"},
	[HD_FINDING_OWNER] = {"owner", HD_FINDING_PROBLEM, "a part of the store belongs to somebody else than the store",
		""},
	[HD_FINDING_STORE] = {"store", HD_FINDING_PROBLEM, "the store cannot be opened",
		""},
	[HD_FINDING_FUSE_DEVICE] = {"fuse-device", HD_FINDING_PROBLEM, "/dev/fuse cannot be used",
		""},
	[HD_FINDING_FUSERMOUNT] = {"fusermount", HD_FINDING_PROBLEM, "fusermount3, with which ordinary users mount, cannot do it",
		""},
	[HD_FINDING_VERSION] = {"version", HD_FINDING_REMARK, "a mount runs another version of heddle",
		""},
	[HD_FINDING_LAST_END] = {"last-end", HD_FINDING_REMARK, "how the last mount of a thread ended badly; the next mount takes it away",
		""},
	[HD_FINDING_ALLOW_OTHER] = {"allow-other", HD_FINDING_REMARK, "ordinary users cannot mount with --allow-other",
		""},
};
/* clang-format on */

void hd_doctor_tell(
	struct hd_doctor *doctor, enum hd_finding_kind kind, int repaired, const char *format, ...)
{
	struct hd_finding finding = {.kind = kind, .repaired = repaired};
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	finding.text = text ? text : hd_finding_table[kind].text;
	if (hd_finding_table[kind].severity == HD_FINDING_REMARK)
		doctor->report.remarks++;
	else if (repaired == 0)
		doctor->report.repaired++;
	else
		doctor->report.problems++;
	doctor->emit(&finding, doctor->payload);
	free(text);
}

static void check_device(struct hd_doctor *doctor)
{
	HD_AUTO_CLOSE int fd = hd_mount_point_open_device();

	if (fd == -HD_E_FUSE_DEVICE)
		hd_doctor_tell(doctor, HD_FINDING_FUSE_DEVICE, HD_REPAIR_NOT_TRIED,
			"there is no /dev/fuse that works (%s): load the kernel's module by 'modprobe fuse'; "
			"a "
			"container needs the device given to it",
			hd_error_message(fd));
	else if (fd < 0)
		hd_doctor_tell(doctor, HD_FINDING_FUSE_DEVICE, HD_REPAIR_NOT_TRIED,
			"/dev/fuse cannot be used (%s): its mode is 0666 where ordinary users mount",
			hd_error_message(fd));
	hd_error_clear();
}

static void check_fusermount(struct hd_doctor *doctor)
{
	const char *program = hd_mount_point_helper();
	struct stat stat;
	int r;

	if (!program) {
		hd_doctor_tell(doctor, HD_FINDING_FUSERMOUNT, HD_REPAIR_NOT_TRIED,
			"there is no fusermount3: install the package fuse3");
		return;
	}
	r = hd_file_stat_at(AT_FDCWD, program, &stat);
	if (r == 0 && S_ISREG(stat.st_mode) && (stat.st_uid != 0 || !(stat.st_mode & S_ISUID)))
		hd_doctor_tell(doctor, HD_FINDING_FUSERMOUNT, HD_REPAIR_NOT_TRIED,
			"%s does not become root: it needs owner root and mode 4755", program);
	if (!hd_file_exists(AT_FDCWD, "/etc/mtab"))
		hd_doctor_tell(doctor, HD_FINDING_FUSERMOUNT, HD_REPAIR_NOT_TRIED,
			"there is no /etc/mtab, which %s reads to unmount: it is a link to /proc/self/mounts",
			program);
}

/* A line "user_allow_other", as fusermount3 reads it. */
static bool allows_other(const char *text)
{
	static const char word[] = "user_allow_other";

	while (text) {
		size_t length;

		text += strspn(text, " \t\n");
		length = strcspn(text, " \t\n#");
		if (length == sizeof(word) - 1 && strncmp(text, word, length) == 0)
			return true;
		text = strchr(text, '\n');
	}
	return false;
}

static void check_configuration(struct hd_doctor *doctor)
{
	HD_AUTO_FREE char *text = NULL;
	size_t size;

	if (hd_file_read_whole(AT_FDCWD, "/etc/fuse.conf", CONFIGURATION_LIMIT, &text, &size) < 0 ||
		!allows_other(text))
		hd_doctor_tell(doctor, HD_FINDING_ALLOW_OTHER, HD_REPAIR_NOT_TRIED,
			"/etc/fuse.conf has no line 'user_allow_other': --allow-other is for root alone");
}

void hd_doctor_system(struct hd_doctor *doctor)
{
	check_device(doctor);
	if (geteuid() == 0)
		return; /* root mounts by itself, and for whom it likes */
	check_fusermount(doctor);
	check_configuration(doctor);
}
