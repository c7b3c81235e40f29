/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/mounts/mount_point.h"

/*
 * The mount table, proc(5), /proc/[pid]/mountinfo:
 *
 *     36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 *     id parent major:minor root directory options [optional fields] - type source superoptions
 *
 * Space, tab, newline and backslash stand there as \040 and so on, so that fields and lines can be cut first
 * and unescaped afterwards. The table needs no help of any mounted filesystem, dead ones included.
 */

#define TABLE_LIMIT ((size_t)256 << 20)
#define MOUNT_TYPE "fuse.heddle"

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* In place: the result is never longer. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) && is_octal(text[3]) &&
			text[1] <= '3') {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

static bool parse_device(const char *text, struct hd_mount_entry *entry)
{
	unsigned long major, minor;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	major = strtoul(text, &end, 10);
	if (*end != ':' || end[1] < '0' || end[1] > '9')
		return false;
	minor = strtoul(end + 1, &end, 10);
	if (*end || major > UINT_MAX || minor > UINT_MAX)
		return false;
	entry->major = (unsigned)major;
	entry->minor = (unsigned)minor;
	return true;
}

/* True with *ENTRY set when LINE is a mount of ours. */
static bool parse_line(char *line, struct hd_mount_entry *entry)
{
	char *fields[6];
	char *field, *type, *source;

	for (size_t i = 0; i < HD_ARRAY_SIZE(fields); i++) {
		fields[i] = strsep(&line, " ");
		if (!fields[i])
			return false;
	}
	do {
		field = strsep(&line, " ");
		if (!field)
			return false;
	} while (strcmp(field, "-") != 0);
	type = strsep(&line, " ");
	source = strsep(&line, " ");
	if (!type || !source || strcmp(type, MOUNT_TYPE) != 0 || !parse_device(fields[2], entry))
		return false;
	unescape(fields[3]);
	unescape(fields[4]);
	unescape(source);
	entry->root = fields[3];
	entry->directory = fields[4];
	entry->source = source;
	return true;
}

int hd_mount_point_parse(char *text, hd_mount_emit emit, void *payload)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		struct hd_mount_entry entry;
		int r;

		if (!parse_line(line, &entry))
			continue;
		r = emit(&entry, payload);
		if (r)
			return r;
	}
	return 0;
}

int hd_mount_point_list(hd_mount_emit emit, void *payload)
{
	HD_AUTO_FREE char *text = NULL;
	size_t size;
	int r;

	r = hd_file_read_whole(AT_FDCWD, "/proc/self/mountinfo", TABLE_LIMIT, &text, &size);
	return r < 0 ? hd_fail_in(r, "read /proc/self/mountinfo") : hd_mount_point_parse(text, emit, payload);
}
