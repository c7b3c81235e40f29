/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/threads/work.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/lock.h"

#define LOOK_PERIOD_NS 100000000u

static const char *const step_texts[] = {
	[HD_WORK_BEGINNING] = "",
	[HD_WORK_STORING_FILES] = "storing files",
	[HD_WORK_COMPARING] = "comparing",
	[HD_WORK_WRITING_TO_DISK] = "writing to the disk",
	[HD_WORK_WRITING_COMMITS] = "writing commits",
	[HD_WORK_CHECKING_OBJECTS] = "checking objects",
	[HD_WORK_CHECKING_STATES] = "checking states",
	[HD_WORK_CHECKING_THREADS] = "checking threads",
	[HD_WORK_CHECKING_DIRECTORIES] = "checking directories",
	[HD_WORK_WRITING_FILES] = "writing files",
	[HD_WORK_READING_FILES] = "reading files",
	[HD_WORK_READING_COMMITS] = "reading commits",
	[HD_WORK_MAKING_STATES] = "making states",
	[HD_WORK_COPYING_OBJECTS] = "copying objects",
	[HD_WORK_CONVERTING_FILES] = "converting files",
};

_Static_assert(HD_ARRAY_SIZE(step_texts) == HD_WORK_STEP_COUNT, "a step without a text");

static _Thread_local struct hd_work *current;
static struct hd_work *_Atomic interruptible;

void hd_work_begin(struct hd_work *work, hd_work_look look, void *payload)
{
	work->look = look;
	work->payload = payload;
	work->next_look_ns = hd_clock_coarse_ns() + LOOK_PERIOD_NS;
	current = work;
}

void hd_work_end(void)
{
	current = NULL;
}

void hd_work_step(enum hd_work_step step, uint64_t total)
{
	if (!current)
		return;
	atomic_store(&current->done, 0);
	atomic_store(&current->total, total);
	atomic_store(&current->step, (int)step);
}

/* Whether WORK is to stop, after a look if it is time for one. */
static bool is_stopped(struct hd_work *work)
{
	uint64_t now;

	if (work->look && (now = hd_clock_coarse_ns()) >= work->next_look_ns) {
		hd_lock_assert_none_held("look whether to go on");
		work->next_look_ns = now + LOOK_PERIOD_NS;
		if (work->look(work, work->payload))
			hd_work_stop(work);
	}
	return atomic_load(&work->stopped);
}

#ifdef HD_CHECKS
#define REST_NS 5000000u

static bool is_resting_place(const char *path, const struct hd_work *work)
{
	const char *text = hd_work_step_text((enum hd_work_step)atomic_load(&work->step));
	size_t length = strlen(text), size = 0;
	HD_AUTO_FREE char *wanted = NULL;

	return hd_file_read_whole(AT_FDCWD, path, 256, &wanted, &size) >= 0 && length > 0 &&
	       strncmp(wanted, text, length) == 0;
}

static void rest(struct hd_work *work)
{
	const char *path = getenv("HEDDLE_WORK_RESTS");

	while (path && !work->finished && is_resting_place(path, work) && !is_stopped(work))
		hd_clock_sleep_ns(REST_NS);
}
#endif

int hd_work_advance(uint64_t count)
{
	struct hd_work *work = current;

	if (!work)
		return 0;
	if (count)
		atomic_fetch_add(&work->done, count);
#ifdef HD_CHECKS
	rest(work);
#endif
	return is_stopped(work) && !work->finished ? -HD_E_INTERRUPTED : 0;
}

int hd_work_finish(void)
{
	int r = hd_work_advance(0);

	if (r == 0)
		hd_work_was_finished();
	return r;
}

void hd_work_was_finished(void)
{
	if (current)
		current->finished = true;
}

void hd_work_stop(struct hd_work *work)
{
	atomic_store(&work->stopped, true);
}

const char *hd_work_step_text(enum hd_work_step step)
{
	return step_texts[step];
}

enum hd_work_step hd_work_step_of_text(const char *text)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(step_texts); i++)
		if (strcmp(step_texts[i], text) == 0)
			return (enum hd_work_step)i;
	return HD_WORK_BEGINNING;
}

static void interrupted(int signal)
{
	struct hd_work *work = atomic_load(&interruptible);

	(void)signal;
	if (work)
		hd_work_stop(work);
}

void hd_work_stop_at_interrupt(struct hd_work *work)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	/* Once: whoever presses it again means it. What is killed then is whole, too, when it is next looked at. */
	struct sigaction action = {.sa_handler = work ? interrupted : SIG_DFL,
		.sa_flags = SA_RESTART | (work ? (int)SA_RESETHAND : 0)};
	struct sigaction before;

	atomic_store(&interruptible, work);
	for (size_t i = 0; i < HD_ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &action, NULL);
}
