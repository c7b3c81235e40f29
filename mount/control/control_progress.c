/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/control/control_progress.h"

#include <string.h>

#include "mount/control/control_channel.h"
#include "mount/control/control_reply.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"

/*
 * The thread that works looks at its client itself, between two pieces of the work: there is nobody to wake and nothing to
 * lock. A client asks often enough whether a signal came, instead of being woken by it.
 */

#define PROGRESS "progress"
#define ASK_PERIOD_MS 100
#define FRAME_TIMEOUT_MS 2000

/* ---- serving ---- */

static int tell(const struct hd_control_watch *watch)
{
	const struct hd_work *work = &watch->work;

	return hd_control_send(watch->fd,
		json_pack("{s:{s:s, s:I, s:I}}", PROGRESS, "step",
			hd_work_step_text((enum hd_work_step)work->step), "done", (json_int_t)work->done,
			"total", (json_int_t)work->total),
		-1);
}

/* There is one thing that a client can say before it has its reply; and one that has gone says that it has. */
static bool look_at_client(struct hd_work *work, void *payload)
{
	const struct hd_control_watch *watch = payload;
	HD_AUTO_CLOSE int passed_fd = -1;
	json_t *message = NULL;
	unsigned ready = 0;

	(void)work;
	if (hd_descriptor_wait(&watch->fd, 1, 0, &ready) < 0)
		return true;
	if (ready) {
		(void)hd_control_receive(watch->fd, FRAME_TIMEOUT_MS, &message, &passed_fd);
		json_decref(message);
		return true;
	}
	return watch->tells && tell(watch) < 0;
}

void hd_control_watch_begin(struct hd_control_watch *watch, int fd, const json_t *request)
{
	*watch = (struct hd_control_watch){
		.fd = fd, .tells = json_is_true(json_object_get(request, PROGRESS))};
	hd_work_begin(&watch->work, look_at_client, watch);
}

void hd_control_watch_end(void)
{
	hd_work_end();
}

/* ---- asking ---- */

/* True when REPLY is none yet. */
static bool take_progress(const json_t *reply)
{
	const json_t *progress = json_object_get(reply, PROGRESS);
	const char *step = json_string_value(json_object_get(progress, "step"));
	json_int_t done = json_integer_value(json_object_get(progress, "done"));
	json_int_t total = json_integer_value(json_object_get(progress, "total"));

	if (!json_is_object(progress))
		return false;
	hd_work_step(hd_work_step_of_text(step ? step : ""), total > 0 ? (uint64_t)total : 0);
	(void)hd_work_advance(done > 0 ? (uint64_t)done : 0);
	return true;
}

/* Sends it once. That nobody is there to read it shows when the reply is read. */
static void cancel(int fd, bool *sent)
{
	if (*sent || hd_work_advance(0) == 0)
		return;
	*sent = true;
	(void)hd_control_send(fd, json_pack("{s:s}", "op", "cancel"), -1);
}

int hd_control_wait_reply(int fd, json_t **ret_reply, int *ret_fd)
{
	bool sent = false;

	for (;;) {
		HD_AUTO_CLOSE int passed_fd = -1;
		json_t *reply = NULL;
		unsigned ready = 0;
		int r;

		cancel(fd, &sent);
		r = hd_descriptor_wait(&fd, 1, ASK_PERIOD_MS, &ready);
		if (r >= 0 && !ready)
			continue;
		if (r >= 0)
			r = hd_control_receive_reply(fd, &reply, &passed_fd);
		if (r < 0)
			return r;
		if (!take_progress(reply)) {
			*ret_reply = reply;
			*ret_fd = hd_steal_fd(&passed_fd);
			return 0;
		}
		json_decref(reply);
	}
}
