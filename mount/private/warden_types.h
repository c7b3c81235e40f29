/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_PRIVATE_WARDEN_TYPES_H
#define HEDDLE_MOUNT_PRIVATE_WARDEN_TYPES_H

/* What the two sides of a warden's link share. Nobody outside of warden*.c includes this. */

#include <signal.h>

#include "mount/private/warden.h"

/* What is passed on to the command. The rest has no meaning for it, or comes from the terminal to all. */
static const int hd_warden_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

struct hd_warden_branch {
	struct hd_warden_settings settings;
	int link_fd;      /* the warden's end */
	int other_fd;     /* the caller's, not the warden's to keep */
	int processes_fd; /* of before the command could mount anything over it */
	pid_t parent;
};

/* The warden's own side: the child's life. PAYLOAD is a struct hd_warden_branch. */
int hd_warden_live(void *payload);

#endif
