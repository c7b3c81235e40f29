/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_CONTROL_CONTROL_PROGRESS_H
#define HEDDLE_MOUNT_CONTROL_CONTROL_PROGRESS_H

/*
 * Control progress: a request that takes long says how far it is, and is stopped when its client wants it or is gone.
 *
 * Between a request with "progress": true and its reply come frames {"progress":{"step":S,"done":N,"total":N}}. The client
 * may send {"op":"cancel"}: the reply is then HD_E_INTERRUPTED and nothing was changed, or that of a request that was too
 * far to be stopped.
 *
 * Serving     hd_control_watch_begin → the request is executed → hd_control_watch_end
 * Asking      the request is sent → hd_control_wait_reply
 *
 * Both use the calling thread's struct hd_work (overlay/platform/threads/work.h): the server's is begun here, the client's is whoever
 * began one.
 *
 * Threads     One per socket. Ownership: the watch is the caller's, and outlives its end.
 */

#include <jansson.h>

#include "overlay/platform/threads/work.h"

struct hd_control_watch {
	struct hd_work work;
	int fd; /* borrowed */
	bool tells;
};

/* From now on this thread's work is REQUEST, which came from the client at FD. */
void hd_control_watch_begin(struct hd_control_watch *watch, int fd, const json_t *request);
void hd_control_watch_end(void);

/* hd_control_receive_reply of a request that was sent to FD; keeps this thread's work informed, and cancels the request
 * once when that work is to stop. */
int hd_control_wait_reply(int fd, json_t **ret_reply, int *ret_fd);

#endif
