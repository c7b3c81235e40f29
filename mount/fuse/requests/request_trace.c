/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/requests/request_trace.h"

#include <inttypes.h>

#include "overlay/platform/log.h"

void hd_trace_enter(const struct hd_fuse_session *session, const struct fuse_in_header *header)
{
	if (session->options.trace)
		hd_log(HD_LOG_NOTICE, "enter %s %" PRIu64 " of inode %" PRIu32 " for process %" PRIu32,
			hd_message_name(header->opcode), (uint64_t)header->unique, (uint32_t)header->nodeid,
			header->pid);
}

static void tell(const struct hd_fuse_session *session, const char *what, uint32_t opcode, uint64_t unique,
	uint64_t took_ns)
{
	if (session->options.trace)
		hd_log(HD_LOG_NOTICE, "%s %s %" PRIu64 " after %" PRIu64 " us", what, hd_message_name(opcode),
			unique, took_ns / 1000);
}

void hd_trace_leave(const struct hd_fuse_session *session, uint32_t opcode, uint64_t unique, uint64_t took_ns)
{
	tell(session, "leave", opcode, unique, took_ns);
}

void hd_trace_answer(
	const struct hd_fuse_session *session, uint32_t opcode, uint64_t unique, uint64_t took_ns)
{
	tell(session, "answered", opcode, unique, took_ns);
}
