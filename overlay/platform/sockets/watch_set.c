/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/sockets/watch_set.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"

struct hd_watch_set {
	int epoll_fd, wake_fd; /* owned */
};

int hd_watch_set_new(struct hd_watch_set **ret_set)
{
	struct hd_watch_set *set = malloc(sizeof(*set));
	int r;

	if (!set)
		return -ENOMEM;
	*set = (struct hd_watch_set){.epoll_fd = -1, .wake_fd = -1};
	set->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (set->epoll_fd >= 0)
		set->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = set->wake_fd < 0 ? hd_errno() : hd_watch_set_add(set, set->wake_fd, HD_WATCH_WOKEN);
	if (r < 0) {
		hd_watch_set_free(set);
		return r;
	}
	*ret_set = set;
	return 0;
}

void hd_watch_set_free(struct hd_watch_set *set)
{
	if (!set)
		return;
	hd_cleanup_close(&set->wake_fd);
	hd_cleanup_close(&set->epoll_fd);
	free(set);
}

int hd_watch_set_add(struct hd_watch_set *set, int fd, uint32_t token)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = token};

	return epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? hd_errno() : 0;
}

void hd_watch_set_wake(struct hd_watch_set *set)
{
	uint64_t one = 1;

	(void)!write(set->wake_fd, &one, sizeof(one));
}

int hd_watch_set_wait(struct hd_watch_set *set, uint32_t *ret_token)
{
	struct epoll_event event;
	uint64_t count;
	int n;

	hd_lock_assert_none_held("wait");
	do
		n = epoll_wait(set->epoll_fd, &event, 1, -1);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? hd_errno() : -EAGAIN;
	if (event.data.u32 == HD_WATCH_WOKEN)
		(void)!read(set->wake_fd, &count, sizeof(count));
	*ret_token = event.data.u32;
	return 0;
}
