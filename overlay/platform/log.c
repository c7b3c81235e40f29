/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"

/*
 * One write per line keeps lines whole between threads and, with O_APPEND, between processes, without a lock
 * that a slow disk could hold. Text may quote names of files that somebody chose: control bytes are escaped,
 * so that nobody forges a line or drives a terminal.
 */

#define LINE_SIZE 4096
#define TEXT_SIZE 1536

static const char *const level_names[] = {"error", "warning", "notice", "info", "debug"};

_Static_assert(HD_ARRAY_SIZE(level_names) == HD_LOG_LEVEL_COUNT, "a level without a name");
_Static_assert(TEXT_SIZE * 2 + 128 <= LINE_SIZE, "the header and some escapes fit a line");

static char program_name[32] = "heddle"; /* written by hd_log_open, before threads start */
static _Atomic int log_fd = -1;
static _Atomic int log_level = -1;

void hd_log_open(const char *program, int fd, enum hd_log_level level)
{
	const char *wanted = getenv("HEDDLE_LOG");

	for (int i = 0; wanted && i < HD_LOG_LEVEL_COUNT; i++)
		if (strcasecmp(wanted, level_names[i]) == 0)
			level = (enum hd_log_level)i;
	(void)snprintf(program_name, sizeof(program_name), "%s", program);
	log_fd = fd;
	log_level = fd < 0 ? -1 : (int)level;
}

bool hd_log_enabled(enum hd_log_level level)
{
	return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

static size_t put_header(char line[LINE_SIZE], enum hd_log_level level)
{
	struct timespec now = hd_clock_now();
	struct tm date;
	size_t used;
	int n;

	(void)gmtime_r(&now.tv_sec, &date);
	used = strftime(line, LINE_SIZE, "%Y-%m-%dT%H:%M:%S", &date);
	n = snprintf(line + used, LINE_SIZE - used, ".%03ldZ %s[%ld] %s: ", now.tv_nsec / 1000000,
		program_name, (long)getpid(), level_names[level]);
	return n < 0 ? used : used + (size_t)n;
}

static size_t put_text(char *end, size_t room, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t used = 0;

	for (; *text && used + 5 < room; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte >= 0x20 && byte != 0x7f) {
			end[used++] = *text;
			continue;
		}
		end[used++] = '\\';
		end[used++] = 'x';
		end[used++] = digits[byte >> 4];
		end[used++] = digits[byte & 15];
	}
	end[used++] = '\n';
	return used;
}

void hd_log_write(enum hd_log_level level, const char *format, ...)
{
	int saved = errno;
	char text[TEXT_SIZE];
	char line[LINE_SIZE];
	va_list arguments;
	size_t size, done = 0;
	int n;

	if (!hd_log_enabled(level))
		return;
	va_start(arguments, format);
	errno = saved;
	n = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (n < 0)
		text[0] = '\0';
	if (n >= (int)sizeof(text))
		memcpy(text + sizeof(text) - 4, "...", 4);
	size = put_header(line, level);
	size += put_text(line + size, sizeof(line) - size, text);
	while (done < size) {
		ssize_t written = write(log_fd, line + done, size - done);

		if (written < 0 && errno == EINTR)
			continue;
		/* A log that cannot be written has nowhere to complain. */
		if (written <= 0)
			break;
		done += (size_t)written;
	}
	errno = saved;
}
