/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/mounts/fusermount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/sockets/socket.h"

/*
 * Protocol (libfuse, util/fusermount.c): the environment variable _FUSE_COMMFD names one end of a Unix
 * socket; once mounted, fusermount3 sends one byte with the /dev/fuse descriptor (SCM_RIGHTS) and ends. What
 * it has to complain about goes to its standard error, which is collected here and becomes the detail of the
 * failure.
 *
 * It runs with LC_ALL=C, because "busy" and "not mounted" are told apart by its words: it has one exit
 * status.
 */

#define COMM_FD 3
#define WORDS_LIMIT 1024

/* What ran and what it said. */
struct answer {
	int status; /* waitpid's; -1 when somebody else reaped the child */
	int fuse_fd;
	char words[WORDS_LIMIT]; /* one line, no newline */
};

const char *hd_mount_point_helper(void)
{
	static const char *const places[] = {
		"/usr/bin/fusermount3",
		"/bin/fusermount3",
		"/usr/local/bin/fusermount3",
		"/run/wrappers/bin/fusermount3",
	};

	hd_lock_assert_none_held("access");
	for (size_t i = 0; i < HD_ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* Our environment with the protocol's variable in front, where getenv(3) finds it first. Free the array only.
 */
static char **make_environment(void)
{
	static char comm_variable[] = "_FUSE_COMMFD=3";
	size_t n = 0;
	char **environment;

	_Static_assert(COMM_FD == 3, "the variable above names it");
	while (environ && environ[n])
		n++;
	environment = calloc(n + 2, sizeof(*environment));
	if (!environment)
		return NULL;
	environment[0] = comm_variable;
	for (size_t i = 0; i < n; i++)
		environment[i + 1] = environ[i];
	return environment;
}

/* The descriptor in the one message that fusermount3 sends, or -1 when it closed the socket without. */
static int receive_descriptor(int socket_fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = {.iov_base = &byte, .iov_len = sizeof(byte)};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header;
	ssize_t n;
	int fd;

	hd_lock_assert_none_held("recvmsg");
	do
		n = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
		header->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* Reads to the end, keeps the beginning, makes one line of it. */
static void read_words(int fd, char words[WORDS_LIMIT])
{
	size_t used = 0;

	hd_lock_assert_none_held("read");
	for (;;) {
		char rest[256];
		size_t room = WORDS_LIMIT - 1 - used;
		ssize_t n = room ? read(fd, words + used, room) : read(fd, rest, sizeof(rest));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += room ? (size_t)n : 0;
	}
	while (used && words[used - 1] == '\n')
		used--;
	words[used] = '\0';
	for (char *newline = words; (newline = strchr(newline, '\n'));)
		*newline = ' ';
}

static int start_program(char *const arguments[], int comm_fd, int words_fd, pid_t *ret_pid)
{
	const struct hd_inherited_fd fds[] = {
		{.parent_fd = words_fd, .child_fd = STDERR_FILENO},
		{.parent_fd = comm_fd, .child_fd = COMM_FD},
	};
	const char *program = hd_mount_point_helper();
	HD_AUTO_FREE char **environment = NULL;
	int r;

	if (!program)
		return hd_fail(HD_E_MOUNT_REFUSED, "fusermount3 is not installed (Debian package fuse3)");
	environment = make_environment();
	if (!environment)
		return -ENOMEM;
	r = hd_process_spawn_with(program, arguments, environment, fds, HD_ARRAY_SIZE(fds), false, ret_pid);
	return r < 0 ? hd_fail_in(r, "start %s", program) : 0;
}

static int run_fusermount(char *const arguments[], struct answer *answer)
{
	HD_AUTO_CLOSE int our_comm_fd = -1, their_comm_fd = -1;
	HD_AUTO_CLOSE int our_words_fd = -1, their_words_fd = -1;
	int pair[2];
	pid_t pid;
	int r;

	*answer = (struct answer){.status = -1, .fuse_fd = -1};
	r = hd_socket_pair(pair);
	if (r < 0)
		return r;
	our_comm_fd = pair[0];
	their_comm_fd = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return hd_errno();
	our_words_fd = pair[0];
	their_words_fd = pair[1];
	r = start_program(arguments, their_comm_fd, their_words_fd, &pid);
	if (r < 0)
		return r;
	/* The ends of ours would keep both streams from ending. */
	(void)close(hd_steal_fd(&their_comm_fd));
	(void)close(hd_steal_fd(&their_words_fd));
	answer->fuse_fd = receive_descriptor(our_comm_fd);
	read_words(our_words_fd, answer->words);
	/* Fails where the program reaps all its children itself; the descriptor and the words must do then.
	 */
	(void)hd_process_wait(pid, &answer->status);
	return 0;
}

/* fusermount3 cuts its options at commas; a backslash takes the meaning of the next character away. */
static void put_option_value(struct hd_buffer *buffer, const char *value)
{
	for (; *value; value++) {
		if (*value == ',' || *value == '\\')
			hd_buffer_put_u8(buffer, '\\');
		hd_buffer_put_u8(buffer, (uint8_t)*value);
	}
}

static char *make_options(const struct hd_mount_request *request)
{
	HD_AUTO_BUFFER struct hd_buffer options = {0};

	hd_buffer_put_text(&options, "fsname=");
	put_option_value(&options, request->source);
	hd_buffer_put_text(&options, ",subtype=heddle,nosuid,nodev");
	if (request->read_only)
		hd_buffer_put_text(&options, ",ro");
	/* It knows no other option of this kind; they only show in /proc/mounts. */
	if (request->noatime)
		hd_buffer_put_text(&options, ",noatime");
	if (request->allow_other)
		hd_buffer_put_text(&options, ",allow_other");
	if (request->default_permissions)
		hd_buffer_put_text(&options, ",default_permissions");
	return hd_buffer_steal(&options, NULL);
}

int hd_fusermount_attach(const struct hd_mount_request *request)
{
	HD_AUTO_FREE char *options = make_options(request);
	char *arguments[] = {
		(char[]){"fusermount3"},
		(char[]){"-o"},
		options,
		(char[]){"--"},
		(char *)(uintptr_t)request->directory,
		NULL,
	};
	struct answer answer;
	int r;

	if (!options)
		return -ENOMEM;
	r = run_fusermount(arguments, &answer);
	if (r < 0)
		return r;
	if (answer.fuse_fd < 0)
		return hd_fail(HD_E_MOUNT_REFUSED, "%s",
			answer.words[0] ? answer.words : "fusermount3 said nothing");
	return answer.fuse_fd;
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size >= end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

int hd_fusermount_detach(const char *directory, bool lazy)
{
	char *arguments[] = {
		(char[]){"fusermount3"},
		(char[]){"-u"},
		(char[]){"--"},
		(char *)(uintptr_t)directory,
		NULL,
	};
	char *lazy_arguments[] = {
		(char[]){"fusermount3"},
		(char[]){"-u"},
		(char[]){"-z"},
		(char[]){"--"},
		(char *)(uintptr_t)directory,
		NULL,
	};
	struct answer answer;
	int r;

	r = run_fusermount(lazy ? lazy_arguments : arguments, &answer);
	if (r < 0)
		return r;
	hd_cleanup_close(&answer.fuse_fd);
	if (answer.status == 0 || (answer.status == -1 && !answer.words[0]))
		return 0;
	if (ends_with(answer.words, strerrordesc_np(EBUSY)))
		return -EBUSY;
	if (ends_with(answer.words, " not found in /etc/mtab"))
		return -EINVAL;
	return hd_fail(EPERM, "%s", answer.words[0] ? answer.words : "fusermount3 said nothing");
}
