/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal/progress.h"

#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/arguments/command.h"
#include "cli/terminal/output.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/terminal.h"
#include "overlay/platform/threads/task_thread.h"
#include "overlay/platform/threads/work.h"

/*
 * The work is mostly one blocking request to a mount, so that the line is drawn by a thread of its own, which
 * sleeps on a condition and is woken by the end. Nothing is started unless somebody reads it.
 */

#define DELAY_NS 500000000u
#define LINE_PERIOD_NS 200000000u
#define JSON_PERIOD_NS 500000000u
#define BAR_WIDTH 20
#define LINE_SIZE 160

static struct {
	struct hd_work work;
	struct hd_pool *pool; /* of the one thread that draws; NULL outside begin and end */
	struct hd_mutex lock;
	struct hd_condition ended;
	const char *label; /* borrowed */
	uint64_t began_ns;
	bool interrupted; /* too late for the work that ended, but not for what the command goes on with */
	bool json;        /* immutable between begin and end */
	bool stop;        /* (lock) */
	size_t drawn;     /* (lock) columns of the line that is there */
} progress;

/* True when the work ended meanwhile. */
static bool wait_for_end(uint64_t ns)
{
	uint64_t deadline = hd_clock_monotonic_ns() + ns;
	bool in_time = true;
	bool stop;

	hd_mutex_lock(&progress.lock);
	while (!progress.stop && in_time)
		in_time = hd_condition_wait_until(&progress.ended, &progress.lock, deadline);
	stop = progress.stop;
	hd_mutex_unlock(&progress.lock);
	return stop;
}

static double seconds(void)
{
	return (double)(hd_clock_monotonic_ns() - progress.began_ns) / 1e9;
}

/* "[=======>            ]"; what is beside the plan, or behind it, leaves the bar full. */
static void format_bar(uint64_t done, uint64_t total, char bar[BAR_WIDTH + 4])
{
	int filled = (int)((double)done * BAR_WIDTH / (double)total);

	bar[0] = ' ';
	bar[1] = '[';
	memset(bar + 2, ' ', BAR_WIDTH);
	memset(bar + 2, '=', (size_t)filled);
	if (filled < BAR_WIDTH)
		bar[2 + filled] = '>';
	bar[BAR_WIDTH + 2] = ']';
	bar[BAR_WIDTH + 3] = '\0';
}

/* One line of the terminal, without the bar where that has no room for it. */
static void format_line(char line[LINE_SIZE], size_t columns)
{
	const struct hd_work *work = &progress.work;
	const char *step = hd_work_step_text((enum hd_work_step)work->step);
	uint64_t done = work->done, total = work->total;
	char bar[BAR_WIDTH + 4] = "", count[32] = "";
	int length;

	if (work->stopped) {
		(void)snprintf(count, sizeof(count), " stopping");
	} else if (total) {
		done = done < total ? done : total;
		format_bar(done, total, bar);
		(void)snprintf(count, sizeof(count), " %3d%%", (int)((double)done * 100 / (double)total));
	} else if (done) {
		(void)snprintf(count, sizeof(count), " %" PRIu64, done);
	}
	for (int with_bar = 1; with_bar >= 0; with_bar--) {
		length = snprintf(line, LINE_SIZE, "%s%s%s ...%s%s  %.1f s", progress.label,
			*step ? ": " : "", step, with_bar ? bar : "", count, seconds());
		if (length >= 0 && (size_t)length < columns)
			return;
	}
	line[columns > 0 ? columns - 1 : 0] = '\0';
}

/*
 * The last column stays free, as what reaches it may go to the next line, from where nothing comes back. What was there before
 * is overwritten with blanks: there are terminals that know no sequences.
 */
static void draw_line(size_t columns)
{
	size_t length, before = progress.drawn;
	char line[LINE_SIZE];

	format_line(line, columns < LINE_SIZE ? columns : LINE_SIZE);
	length = strlen(line);
	/* A terminal that has become narrower has broken it already. */
	before = before < columns ? before : length;
	fprintf(stderr, "\r%s%*s", line, before > length ? (int)(before - length) : 0, "");
	progress.drawn = length;
}

static void draw_json(void)
{
	const struct hd_work *work = &progress.work;
	uint64_t total = work->total;
	json_t *object = json_pack("{s:{s:s, s:s, s:I, s:o, s:f}}", "progress", "work", progress.label,
		"step", hd_work_step_text((enum hd_work_step)work->step), "done", (json_int_t)work->done,
		"total", total ? json_integer((json_int_t)total) : json_null(), "seconds", seconds());

	if (object && json_dumpf(object, stderr, JSON_COMPACT | JSON_REAL_PRECISION(4)) == 0)
		fputc('\n', stderr);
	json_decref(object);
}

static void draw_now(void)
{
	size_t columns = progress.json ? 0 : hd_terminal_columns(STDERR_FILENO);

	hd_mutex_lock(&progress.lock);
	if (!progress.stop) {
		if (progress.json)
			draw_json();
		else
			draw_line(columns);
		(void)fflush(stderr);
	}
	hd_mutex_unlock(&progress.lock);
}

static void draw(void *payload)
{
	(void)payload;
	if (wait_for_end(DELAY_NS))
		return;
	do {
		draw_now();
	} while (!wait_for_end(progress.json ? JSON_PERIOD_NS : LINE_PERIOD_NS));
}

static void erase_locked(void)
{
	if (!progress.drawn)
		return;
	fprintf(stderr, "\r%*s\r", (int)progress.drawn, "");
	(void)fflush(stderr);
	progress.drawn = 0;
}

static void forget(void)
{
	hd_pool_free(HD_STEAL(progress.pool));
	hd_condition_destroy(&progress.ended);
	hd_mutex_destroy(&progress.lock);
}

static void start_drawing(void)
{
	progress.stop = false;
	progress.drawn = 0;
	hd_mutex_init(&progress.lock, HD_RANK_LEAF);
	hd_condition_init(&progress.ended);
	if (hd_pool_new("progress", 1, 1, &progress.pool) < 0 ||
		hd_pool_submit(progress.pool, draw, NULL) < 0)
		forget();
}

void hd_progress_begin(const char *label, enum hd_progress_interrupt interrupt)
{
	if (progress.label)
		return;
	progress.interrupted = progress.interrupted || progress.work.stopped;
	progress.label = label;
	progress.began_ns = hd_clock_monotonic_ns();
	progress.work = (struct hd_work){0};
	progress.json = hd_common_values.json;
	if (interrupt == HD_PROGRESS_STOPS) {
		hd_work_begin(&progress.work, NULL, NULL);
		if (progress.interrupted)
			hd_work_stop(&progress.work);
		hd_work_stop_at_interrupt(&progress.work);
	} else {
		hd_work_stop_at_interrupt(NULL);
		if (progress.interrupted)
			(void)raise(SIGINT);
	}
	if (progress.json ? interrupt == HD_PROGRESS_STOPS : hd_output_is_terminal(stderr))
		start_drawing();
}

void hd_progress_end(void)
{
	if (!progress.label)
		return;
	if (!progress.work.finished)
		hd_work_stop_at_interrupt(NULL);
	hd_work_end();
	progress.label = NULL;
	if (!progress.pool)
		return;
	hd_mutex_lock(&progress.lock);
	progress.stop = true;
	erase_locked();
	hd_condition_signal(&progress.ended);
	hd_mutex_unlock(&progress.lock);
	forget();
}

void hd_progress_hide(void)
{
	if (!progress.pool)
		return;
	hd_mutex_lock(&progress.lock);
	erase_locked();
	hd_mutex_unlock(&progress.lock);
}
