/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/watchdog/stack_report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mount/fuse/requests/message_counters.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/threads/thread_stacks.h"

#define VIEW_LIMIT 256u

/* What is in flight, as one look saw it. */
struct views {
	unsigned n;
	struct hd_activity_view views[VIEW_LIMIT];
};

void hd_stack_report_describe(const struct hd_activity_view *view, char *buffer, size_t size)
{
	(void)snprintf(buffer, size,
		"%s of inode %" PRIu32 " for process %d takes %" PRIu64 ".%" PRIu64 " s%s%s",
		hd_message_name(view->kind), (uint32_t)view->subject, (int)view->caller,
		view->age_ns / 1000000000u, view->age_ns / 100000000u % 10,
		view->waits_for ? ", it waits for " : "", view->waits_for ? view->waits_for : "");
}

static void keep_view(struct hd_activity *slot, const struct hd_activity_view *view, void *payload)
{
	struct views *views = payload;

	(void)slot;
	if (views->n < VIEW_LIMIT)
		views->views[views->n++] = *view;
}

static void describe_thread(int thread, struct hd_buffer *text, void *payload)
{
	const struct views *views = payload;
	char line[256];

	for (unsigned i = 0; i < views->n; i++) {
		if (views->views[i].thread != thread)
			continue;
		hd_stack_report_describe(&views->views[i], line, sizeof(line));
		hd_buffer_printf(text, ": %s", line);
	}
}

static void put_head(struct hd_buffer *text)
{
	struct timespec now = hd_clock_now();
	struct tm utc;

	(void)gmtime_r(&now.tv_sec, &utc);
	hd_buffer_printf(text, "heddle %s, process %d, at %04d-%02d-%02dT%02d:%02d:%02dZ\n", HD_VERSION,
		(int)getpid(), utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
		utc.tm_sec);
	hd_buffer_put_text(text, "A line with '?' may be of a call that is over.\n");
}

static int publish(const struct hd_buffer *text, const char *directory, const char *name)
{
	HD_AUTO_CLOSE int fd = hd_directory_open(AT_FDCWD, directory);
	struct hd_atomic_file file;
	int r = fd < 0 ? fd : hd_file_atomic_begin(fd, 0600, &file);

	if (r < 0)
		return r;
	r = hd_file_write_at(file.fd, text->data, text->size, 0);
	if (r >= 0)
		return hd_file_atomic_commit(&file, name, true, false);
	hd_file_atomic_abort(&file);
	return r;
}

int hd_stack_report_write(struct hd_activities *activities, const char *directory, const char *name)
{
	HD_AUTO_FREE struct views *views = calloc(1, sizeof(*views));
	HD_AUTO_BUFFER struct hd_buffer text = {0};

	if (!views)
		return -ENOMEM;
	hd_activities_look(activities, keep_view, views);
	put_head(&text);
	hd_thread_stacks_write(&text, describe_thread, views);
	return hd_buffer_status(&text) < 0 ? hd_buffer_status(&text) : publish(&text, directory, name);
}
