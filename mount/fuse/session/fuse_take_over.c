/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The order matters. FORGETs come first: the kernel gave them away for good when they were read. Then the slots are
 * cleared, so that a death from here on leaves nothing that would be taken for a request of ours. Then the kernel is
 * asked to send again, which puts everything unanswered in front of what is new, in no particular order; what a
 * thread of ours had already read would be sent twice, so nobody may have read.
 *
 * A program that is killed between that and the next read takes its request along: the kernel withdraws what is queued. If
 * the dead worker had done it, what the answer would have brought (a lookup, an open) is counted and never taken back.
 * So the kernel is asked before whether it still waits for each request of a dead worker: the answer to an interrupt of
 * that request, which says nothing (neither ENOSYS nor EAGAIN), is refused with ENOENT when it does not. Those that it
 * waits for and that do not come again were withdrawn; those that it does not wait for were answered.
 *
 * FUSE_NOTIFY_RESEND came with protocol 7.40 (Linux 6.9). It works whether or not INIT negotiated it.
 */

#include "mount/fuse/session/fuse_take_over.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "mount/fuse/dot/dot_directory.h"
#include "mount/fuse/fuse_answer.h"
#include "mount/fuse/fuse_reply.h"
#include "mount/fuse/requests/fuse_request.h"
#include "mount/fuse/requests/message_counters.h"
#include "mount/fuse/session/fuse_process.h"
#include "overlay/inodes/request.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/kill_point.h"
#include "overlay/platform/log.h"

#define NOTIFY_RESEND 7
#define INTERRUPT_BIT 1u /* in the number of an interrupt, else that of its request */

static bool is_forget(const struct fuse_in_header *header)
{
	return header->opcode == FUSE_FORGET || header->opcode == FUSE_BATCH_FORGET;
}

/* Runs what the dead worker had read and not finished: the operations skip what is done. */
static void finish_forget(struct hd_fuse_session *session, uint32_t slot)
{
	struct hd_fuse_thread thread = {.session = session,
		.slot = slot,
		.message = hd_request_area_message(session->area, slot),
		.reply = hd_request_area_reply(session->area, slot)};
	const struct fuse_in_header *header = thread.message;

	hd_request_begin(session->overlay, slot, header->unique, true);
	hd_fuse_process(&thread, header->len);
}

/* Whether the kernel waits for the answer to what MESSAGE is. */
static bool is_awaited(const struct hd_fuse_session *session, const struct fuse_in_header *message)
{
	const struct fuse_out_header probe = {
		.len = sizeof(probe), .unique = message->unique | INTERRUPT_BIT};

	return hd_descriptor_write(session->fd, &probe, sizeof(probe)) >= 0;
}

struct unfinished {
	uint64_t uniques[HD_REQUEST_SLOTS + HD_AREA_SYNCS]; /* as the kernel numbered them, with its bit */
	size_t n;
	size_t forgets;
};

/* What is in the slots: FORGETs are done, all else is listed, and nothing is left. */
static void empty_slots(struct hd_fuse_session *session, struct unfinished *unfinished)
{
	uint32_t limit = hd_request_area_limit(session->area);

	for (uint32_t slot = 0; slot < limit; slot++) {
		const struct fuse_in_header *header = hd_request_area_message(session->area, slot);

		if (header->len < sizeof(*header) || header->len > HD_FUSE_MESSAGE_SIZE)
			continue;
		if (is_forget(header) && !getenv("HEDDLE_DEBUG_NO_FORGET_RECOVERY")) {
			finish_forget(session, slot);
			unfinished->forgets++;
		} else if (hd_fuse_is_answered(header->opcode)) {
			unfinished->uniques[unfinished->n++] = header->unique;
			if (is_awaited(session, header))
				hd_request_await(session->overlay, header->unique & ~HD_FUSE_RESENT,
					header->opcode, header->nodeid);
		}
	}
}

static void clear_slots(struct hd_fuse_session *session)
{
	uint32_t limit = hd_request_area_limit(session->area);

	for (uint32_t slot = 0; slot < limit; slot++)
		hd_request_area_clear(session->area, slot);
}

static void accuse(struct hd_fuse_session *session, const struct unfinished *unfinished)
{
	uint64_t uniques[HD_AREA_SUSPECTS];
	size_t n = unfinished->n < HD_AREA_SUSPECTS ? unfinished->n : HD_AREA_SUSPECTS;

	for (size_t i = 0; i < n; i++)
		uniques[i] = unfinished->uniques[i] & ~HD_FUSE_RESENT;
	hd_request_area_accuse(session->area, uniques, n);
}

int hd_fuse_ask_again(int device)
{
	const struct fuse_out_header notice = {.len = sizeof(notice), .error = NOTIFY_RESEND};

	/* For the test of what older kernels do. */
	if (getenv("HEDDLE_DEBUG_NO_RESEND"))
		return -EINVAL;
	return hd_descriptor_write(device, &notice, sizeof(notice));
}

static int ask_again(struct hd_fuse_session *session, const struct unfinished *unfinished)
{
	int r = hd_fuse_ask_again(session->fd);

	if (r >= 0 || r == -ENODEV)
		return 0; /* without a connection there is nobody to answer: the loop will see */
	for (size_t i = 0; i < unfinished->n; i++)
		hd_fuse_answer(session, unfinished->uniques[i], -EIO);
	hd_log(HD_LOG_WARNING,
		"this kernel does not send requests again (%s): %zu that were under way end with EIO",
		hd_error_message(r), unfinished->n);
	return 0;
}

int hd_fuse_take_over(struct hd_fuse_session *session)
{
	HD_AUTO_FREE struct unfinished *unfinished = calloc(1, sizeof(*unfinished));
	int r;

	if (!unfinished)
		return -ENOMEM;
	hd_request_gate_expect_again(session->gate);
	empty_slots(session, unfinished);
	HD_KILL_POINT(forgets_finished);
	accuse(session, unfinished);
	/* They wait for a disk; nobody dies of them. */
	unfinished->n += hd_request_area_take_syncs(session->area, unfinished->uniques + unfinished->n);
	clear_slots(session);
	HD_KILL_POINT(slots_cleared);
	r = ask_again(session, unfinished);
	HD_KILL_POINT(asked_again);
	hd_log(HD_LOG_NOTICE, "took over: %zu requests were under way, %zu FORGETs were left", unfinished->n,
		unfinished->forgets);
	return r;
}

static void take_back(void *payload, const struct hd_withdrawn *withdrawn)
{
	struct hd_fuse_session *session = payload;
	struct hd_overlay *overlay = session->overlay;

	switch (withdrawn->kind) {
	case FUSE_READDIRPLUS:
		if (withdrawn->slot < HD_REQUEST_SLOTS && withdrawn->size <= HD_FUSE_DATA_SIZE)
			hd_reply_forget_entries(overlay,
				hd_request_area_reply(session->area, withdrawn->slot), withdrawn->size);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		if (!hd_dot_is_ours(withdrawn->subject))
			(void)hd_overlay_release(overlay, withdrawn->subject);
		break;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		if (withdrawn->ino && session->options.open == HD_OPEN_TRACKED)
			(void)hd_overlay_release(overlay, withdrawn->ino);
		__attribute__((fallthrough));
	default:
		if (withdrawn->ino)
			hd_overlay_forget(overlay, withdrawn->ino, 1);
	}
}

void hd_fuse_resent_begun(struct hd_fuse_session *session)
{
	hd_requests_drained(session->overlay, take_back, session);
	hd_request_gate_no_more_again(session->gate);
}

bool hd_fuse_refuse_poison(struct hd_fuse_thread *thread)
{
	struct hd_fuse_session *session = thread->session;
	const struct fuse_in_header *header = thread->message;
	unsigned deaths;

	if (!hd_fuse_is_resent(header) || session->options.poison == 0)
		return false;
	deaths = hd_request_area_deaths(session->area, header->unique & ~HD_FUSE_RESENT);
	if (deaths < session->options.poison)
		return false;
	hd_log(HD_LOG_ERROR,
		"%u workers died while they worked on request %" PRIu64 " (%s of inode %" PRIu64
		" for process %u): it is answered with EIO",
		deaths, (uint64_t)(header->unique & ~HD_FUSE_RESENT), hd_message_name(header->opcode),
		header->nodeid, header->pid);
	hd_fuse_answer(session, header->unique, -EIO);
	return true;
}
