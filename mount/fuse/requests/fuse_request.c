/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/requests/fuse_request.h"

#include <errno.h>
#include <stdlib.h>

_Thread_local struct hd_fuse_thread *hd_fuse_thread_current;

const struct fuse_in_header *hd_fuse_request_header(void)
{
	return hd_fuse_thread_current->message;
}

const void *hd_fuse_request_body(size_t size)
{
	const struct fuse_in_header *header = hd_fuse_request_header();

	return header->len >= sizeof(*header) + size ? header + 1 : NULL;
}

struct hd_caller hd_fuse_caller(fuse_req_t req)
{
	const struct fuse_ctx *context = fuse_req_ctx(req);

	return (struct hd_caller){
		.uid = context->uid, .gid = context->gid, .pid = context->pid, .umask = context->umask};
}

int hd_fuse_thread_new(struct hd_fuse_session *session, struct hd_fuse_thread **ret_thread)
{
	struct hd_fuse_thread *thread = aligned_alloc(_Alignof(struct hd_fuse_thread), sizeof(*thread));
	int r;

	if (!thread)
		return -ENOMEM;
	*thread = (struct hd_fuse_thread){.session = session};
	r = hd_request_area_take(session->area, session->overlay, &thread->slot);
	if (r < 0) {
		free(thread);
		return r;
	}
	thread->message = hd_request_area_message(session->area, thread->slot);
	thread->reply = hd_request_area_reply(session->area, thread->slot);
	hd_activities_add(session->activities, &thread->activity);
	*ret_thread = thread;
	return 0;
}

void hd_fuse_thread_free(struct hd_fuse_thread *thread)
{
	if (!thread)
		return;
	hd_activities_remove(thread->session->activities, &thread->activity);
	hd_request_area_give_back(thread->session->area, thread->slot);
	free(thread);
}

void hd_fuse_thread_rest(struct hd_fuse_thread *thread)
{
	hd_request_area_rest(thread->session->area, thread->slot);
	thread->rests = true;
}

void hd_fuse_thread_rouse(struct hd_fuse_thread *thread)
{
	if (!thread->rests)
		return;
	hd_request_area_rouse(thread->session->area, thread->slot);
	thread->rests = false;
}
