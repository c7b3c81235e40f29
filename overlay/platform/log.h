/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_LOG_H
#define HEDDLE_PLATFORM_LOG_H

/*
 * Log: one line per event, "2026-01-31T12:00:00.123Z worker[123] warning: text", to one descriptor.
 *
 * Only mount/ and cli/ log above debug; a library function returns its error instead.
 *
 * Threads     hd_log may run in any thread; a line is one write, so lines do not mix.
 */

#include <stdbool.h>

enum hd_log_level {
	HD_LOG_ERROR,
	HD_LOG_WARNING,
	HD_LOG_NOTICE,
	HD_LOG_INFO,
	HD_LOG_DEBUG,
	HD_LOG_LEVEL_COUNT
};

/* Sends lines of LEVEL and graver to FD (not owned) under the name PROGRAM. HEDDLE_LOG=debug in the
 * environment overrides LEVEL. */
void hd_log_open(const char *program, int fd, enum hd_log_level level);

/* Writes one line if LEVEL is enabled; errno is kept. Control bytes in the text appear as \xNN. */
void hd_log_write(enum hd_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool hd_log_enabled(enum hd_log_level level);

/* Tests the level before formatting. */
#define hd_log(level, ...)                                \
	do {                                              \
		if (hd_log_enabled(level))                \
			hd_log_write(level, __VA_ARGS__); \
	} while (0)

#endif
