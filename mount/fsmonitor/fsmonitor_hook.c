/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fsmonitor/fsmonitor_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/git/worktree/worktree_record.h"
#include "mount/run_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error_codes.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/sockets/socket.h"

/*
 * Started for every `git status`, and so without what other commands have: the request is put together here and of the reply only
 * the descriptor is looked at, which keeps the program that git starts free of libraries.
 */

#define LINK_LIMIT 16384
#define LINK_BEGIN "gitdir: "
#define ANSWER_LIMIT (16 << 20)
#define PATIENCE_MS 10000
#define TOKEN_BYTES "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:.-_"

/* The socket of the thread that is mounted at ROOT_FD. */
static int find_socket(int root_fd, char **ret_path)
{
	struct hd_worktree_record record = {0};
	HD_AUTO_FREE char *link = NULL;
	size_t size;
	int r = hd_file_read_whole(root_fd, ".git", LINK_LIMIT, &link, &size);

	if (r < 0)
		return r;
	link[strcspn(link, "\n")] = '\0';
	if (strncmp(link, LINK_BEGIN, strlen(LINK_BEGIN)) != 0)
		return -ENOENT;
	r = hd_worktree_record_read(link + strlen(LINK_BEGIN), &record);
	if (r < 0)
		return r;
	*ret_path = hd_run_file_path(record.store, record.number, HD_RUN_SOCKET);
	hd_worktree_record_clear(&record);
	return *ret_path ? 0 : -ENOMEM;
}

/* What was stored into mappings is in the kernel until then. */
static void flush_pages(int root_fd)
{
	struct hd_filesystem_space space;

	(void)hd_file_sync_filesystem(root_fd);
	(void)hd_file_space(root_fd, &space);
}

static int read_answer(int fd, char **ret_answer, size_t *ret_size)
{
	struct stat stat;
	int r = hd_file_stat(fd, &stat);

	if (r < 0)
		return r;
	if (stat.st_size <= 0 || stat.st_size > ANSWER_LIMIT)
		return -HD_E_CONTROL_PROTOCOL;
	*ret_answer = malloc((size_t)stat.st_size);
	if (!*ret_answer)
		return -ENOMEM;
	*ret_size = (size_t)stat.st_size;
	return hd_memory_file_read(fd, *ret_answer, *ret_size, 0);
}

static int ask(int socket_fd, const char *token, char **ret_answer, size_t *ret_size)
{
	HD_AUTO_FREE char *request = NULL;
	HD_AUTO_FREE char *reply = NULL;
	HD_AUTO_CLOSE int fd = -1;
	size_t size;
	int r;

	/* One with other bytes is none of ours. */
	if (token[strspn(token, TOKEN_BYTES)])
		token = "";
	if (asprintf(&request, "{\"op\":\"changed_paths\",\"token\":\"%s\"}", token) < 0) {
		request = NULL;
		return -ENOMEM;
	}
	r = hd_socket_send(socket_fd, request, strlen(request), -1);
	if (r >= 0)
		r = hd_socket_receive(socket_fd, PATIENCE_MS, &reply, &size, &fd);
	if (r >= 0 && fd < 0)
		r = -HD_E_CONTROL_PROTOCOL;
	return r < 0 ? r : read_answer(fd, ret_answer, ret_size);
}

int hd_fsmonitor_ask(const char *directory, const char *token, char **ret_answer, size_t *ret_size)
{
	HD_AUTO_CLOSE int root_fd = hd_directory_open(AT_FDCWD, directory);
	HD_AUTO_CLOSE int socket_fd = -1;
	HD_AUTO_FREE char *path = NULL;
	int r = root_fd < 0 ? root_fd : find_socket(root_fd, &path);

	if (r < 0)
		return r;
	socket_fd = hd_socket_connect(path);
	if (socket_fd < 0)
		return socket_fd;
	flush_pages(root_fd);
	return ask(socket_fd, token, ret_answer, ret_size);
}
