/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/kill_point.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * A count is drawn so that small and large ones are equally likely: what happens once per process and what happens a
 * thousand times are both met.
 */

static const char *const names[] = {
#define KILL_POINT_NAME(name) #name,
	HD_KILL_POINTS(KILL_POINT_NAME)
#undef KILL_POINT_NAME
};

static _Atomic int chosen = -1;
static _Atomic long left;
static bool by_segv, hangs;

static uint64_t draw(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_nsec * 0x9E3779B97F4A7C15u ^ (uint64_t)getpid() * 0xBF58476D1CE4E5B9u) >> 16;
}

static int find(const char *name, size_t length)
{
	for (int i = 0; i < HD_KILL_POINT_COUNT; i++)
		if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0)
			return i;
	return -1;
}

/* The points that the list of LENGTH names. */
static int read_list(const char *list, size_t length, int *ret_points)
{
	int n = 0;

	while (length > 0 && n < HD_KILL_POINT_COUNT) {
		const char *comma = memchr(list, ',', length);
		size_t size = comma ? (size_t)(comma - list) : length;

		ret_points[n] = find(list, size);
		n += ret_points[n] >= 0;
		length -= comma ? size + 1 : size;
		list += size + 1;
	}
	return n;
}

static void choose(const int *points, int n_points, long limit)
{
	uint64_t random = draw();
	long count = 1;

	while (count < limit && (random = random * 6364136223846793005u + 1) >> 62)
		count *= 2;
	by_segv = random >> 40 & 1;
	atomic_store(&left, count < limit ? count : limit);
	atomic_store(&chosen, points[(random >> 33) % (unsigned)n_points]);
}

void hd_kill_points_arm(void)
{
	const char *wish = getenv("HEDDLE_KILL_POINT");
	const char *colon = wish ? strchr(wish, ':') : NULL;
	long count = colon ? strtol(colon + 1, NULL, 10) : 1;
	int points[HD_KILL_POINT_COUNT];
	int n_points;
	const char *off = getenv("HEDDLE_KILL_POINT_OFF");

	if (!wish || count < 1 || (off && access(off, F_OK) == 0))
		return;
	if (strncmp(wish, "any:", 4) == 0) {
		for (n_points = 0; n_points < HD_KILL_POINT_COUNT; n_points++)
			points[n_points] = n_points;
		choose(points, n_points, count);
		return;
	}
	n_points = read_list(wish, colon ? (size_t)(colon - wish) : strlen(wish), points);
	if (n_points > 1) {
		choose(points, n_points, count);
		return;
	}
	by_segv = strstr(wish, ":segv") != NULL;
	hangs = strstr(wish, ":hang") != NULL;
	atomic_store(&left, count);
	atomic_store(&chosen, find(wish, colon ? (size_t)(colon - wish) : strlen(wish)));
}

static void die(enum hd_kill_point point)
{
	static volatile int *const nowhere;
	char line[64] = "kill point ";

	strncat(line, names[point], 40);
	(void)strcat(line, "\n");
	(void)!write(STDERR_FILENO, line, strlen(line));
	if (by_segv)
		*nowhere = 1;
	if (!hangs)
		(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

void hd_kill_point_reach(enum hd_kill_point point)
{
	if (atomic_load_explicit(&chosen, memory_order_relaxed) != (int)point)
		return;
	if (atomic_fetch_sub(&left, 1) == 1)
		die(point);
}
