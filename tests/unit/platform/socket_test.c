/* SPDX-License-Identifier: Apache-2.0 */
/* Frames, whole, torn and oversized; descriptors that travel; who may connect. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error_codes.h"
#include "overlay/platform/sockets/socket.h"
#include "overlay/platform/threads/task_thread.h"
#include "tests/unit/platform/child.h"
#include "tests/unit/platform/scratch.h"

struct pair {
	int ours;
	int theirs;
};

static int open_pair(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	int fds[2];

	assert_non_null(pair);
	assert_int_equal(hd_socket_pair(fds), 0);
	pair->ours = fds[0];
	pair->theirs = fds[1];
	*state = pair;
	return 0;
}

static int close_pair(void **state)
{
	struct pair *pair = *state;

	hd_cleanup_close(&pair->ours);
	hd_cleanup_close(&pair->theirs);
	free(pair);
	return 0;
}

static void put_raw(int fd, const void *bytes, size_t size)
{
	assert_int_equal(write(fd, bytes, size), size);
}

/* Receives and expects failure R with nothing returned. */
static void assert_receive_fails(int fd, int timeout_ms, int r)
{
	char *data = NULL;
	size_t size = 99;
	int passed_fd = 98;

	assert_int_equal(hd_socket_receive(fd, timeout_ms, &data, &size, &passed_fd), r);
	assert_null(data);
	assert_int_equal(size, 99);
	assert_int_equal(passed_fd, 98);
}

static void frames_keep_their_bounds_and_order(void **state)
{
	struct pair *pair = *state;
	static const char *const texts[] = {"{\"op\":\"ping\"}", "", "x"};

	for (size_t i = 0; i < HD_ARRAY_SIZE(texts); i++)
		assert_int_equal(hd_socket_send(pair->ours, texts[i], strlen(texts[i]), -1), 0);
	for (size_t i = 0; i < HD_ARRAY_SIZE(texts); i++) {
		HD_AUTO_FREE char *data = NULL;
		size_t size;
		int passed_fd;

		assert_int_equal(hd_socket_receive(pair->theirs, 1000, &data, &size, &passed_fd), 0);
		assert_int_equal(size, strlen(texts[i]));
		assert_string_equal(data, texts[i]);
		assert_int_equal(passed_fd, -1);
	}
}

static void a_descriptor_travels_with_its_frame(void **state)
{
	struct pair *pair = *state;
	HD_AUTO_FREE char *data = NULL;
	HD_AUTO_CLOSE int passed_fd = -1;
	int ends[2];
	size_t size;
	char byte = 0;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(hd_socket_send(pair->ours, "fd", 2, ends[1]), 0);
	(void)close(ends[1]);
	assert_int_equal(hd_socket_receive(pair->theirs, 1000, &data, &size, &passed_fd), 0);
	assert_true(passed_fd >= 0);
	assert_int_equal(fcntl(passed_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	put_raw(passed_fd, "!", 1);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, '!');
	(void)close(ends[0]);
}

struct transfer {
	int fd;
	size_t size;
	int r;
};

static void *send_large(void *payload)
{
	struct transfer *transfer = payload;
	char *data = malloc(transfer->size);

	for (size_t i = 0; data && i < transfer->size; i++)
		data[i] = (char)(i * 7 + (i >> 12));
	transfer->r = data ? hd_socket_send(transfer->fd, data, transfer->size, -1) : -ENOMEM;
	free(data);
	return NULL;
}

static void the_largest_frame_passes_and_one_byte_more_does_not(void **state)
{
	struct pair *pair = *state;
	struct transfer transfer = {.fd = pair->ours, .size = HD_FRAME_LIMIT, .r = 1};
	HD_AUTO_FREE char *data = NULL;
	pthread_t thread;
	size_t size;
	int passed_fd;

	assert_int_equal(hd_thread_start(&thread, "send", send_large, &transfer), 0);
	assert_int_equal(hd_socket_receive(pair->theirs, 20000, &data, &size, &passed_fd), 0);
	hd_thread_join(thread);
	assert_int_equal(transfer.r, 0);
	assert_int_equal(size, HD_FRAME_LIMIT);
	for (size_t i = 0; i < size; i += 997)
		if (data[i] != (char)(i * 7 + (i >> 12)))
			fail_msg("byte %zu is wrong", i);
	assert_int_equal(hd_socket_send(pair->ours, data, (size_t)HD_FRAME_LIMIT + 1, -1), -EMSGSIZE);
}

static void an_oversized_length_is_refused_before_its_bytes(void **state)
{
	struct pair *pair = *state;

	put_raw(pair->ours, "\x01\x00\x00\x01", 4); /* 2^24 + 1 */
	assert_receive_fails(pair->theirs, 1000, -HD_E_CONTROL_PROTOCOL);
	put_raw(pair->ours, "\xff\xff\xff\xff", 4);
	assert_receive_fails(pair->theirs, 1000, -HD_E_CONTROL_PROTOCOL);
}

static void frames_torn_by_the_peers_end_are_malformed(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} torn[] = {
		{"\x05", 1},
		{"\x05\x00\x00", 3},
		{"\x05\x00\x00\x00", 4},
		{"\x05\x00\x00\x00"
		 "1234",
			8},
	};

	(void)state;
	for (size_t i = 0; i < HD_ARRAY_SIZE(torn); i++) {
		int fds[2];

		assert_int_equal(hd_socket_pair(fds), 0);
		put_raw(fds[0], torn[i].bytes, torn[i].size);
		(void)close(fds[0]);
		assert_receive_fails(fds[1], 1000, -HD_E_CONTROL_PROTOCOL);
		(void)close(fds[1]);
	}
}

static void an_end_between_frames_is_a_reset(void **state)
{
	struct pair *pair = *state;

	(void)close(hd_steal_fd(&pair->ours));
	assert_receive_fails(pair->theirs, 1000, -ECONNRESET);
	assert_int_equal(hd_socket_send(pair->theirs, "x", 1, -1), -EPIPE);
}

static void silence_and_half_a_frame_both_time_out(void **state)
{
	struct pair *pair = *state;
	uint64_t start_ns = hd_clock_monotonic_ns();

	assert_receive_fails(pair->theirs, 50, -HD_E_CONTROL_TIMEOUT);
	assert_true(hd_clock_monotonic_ns() - start_ns >= 50u * 1000000u);
	assert_receive_fails(pair->theirs, 0, -HD_E_CONTROL_TIMEOUT);
	put_raw(pair->ours, "\x02\x00\x00\x00x", 5);
	assert_receive_fails(pair->theirs, 50, -HD_E_CONTROL_TIMEOUT);
}

static _Atomic bool stop_dripping;

/* A byte every 20 ms, for as long as the receiver waits and five seconds at the most. */
static void *drip(void *payload)
{
	const int *fd = payload;

	for (int i = 0; i < 250 && !stop_dripping; i++) {
		if (send(*fd, "x", 1, MSG_NOSIGNAL) < 0)
			break;
		hd_clock_sleep_ns(20 * 1000000u);
	}
	return NULL;
}

static void a_peer_that_drips_cannot_stretch_the_timeout(void **state)
{
	struct pair *pair = *state;
	uint64_t start_ns = hd_clock_monotonic_ns(), waited_ns;
	pthread_t thread;

	stop_dripping = false;
	put_raw(pair->ours, "\xff\x00\x00\x00", 4);
	assert_int_equal(hd_thread_start(&thread, "drip", drip, &pair->ours), 0);
	assert_receive_fails(pair->theirs, 100, -HD_E_CONTROL_TIMEOUT);
	waited_ns = hd_clock_monotonic_ns() - start_ns;
	stop_dripping = true;
	hd_thread_join(thread);
	assert_true(waited_ns < UINT64_C(3000) * 1000000u);
}

static int count_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Sends BYTES with N copies of descriptor FD. */
static void put_with_descriptors(int socket_fd, const void *bytes, size_t size, int fd, size_t n)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(64 * sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (size_t i = 0; i < n; i++)
		memcpy(CMSG_DATA(header) + i * sizeof(fd), &fd, sizeof(fd));
	assert_int_equal(sendmsg(socket_fd, &message, 0), size);
}

static void surplus_descriptors_are_refused_and_closed(void **state)
{
	static const size_t numbers[] = {2, 8, 64};
	struct pair *pair = *state;
	int before = count_descriptors();

	for (size_t i = 0; i < HD_ARRAY_SIZE(numbers); i++) {
		put_with_descriptors(pair->ours, "\x00\x00\x00\x00", 4, STDERR_FILENO, numbers[i]);
		assert_receive_fails(pair->theirs, 1000, -HD_E_CONTROL_PROTOCOL);
		assert_int_equal(count_descriptors(), before);
	}
}

static void each_byte_of_a_header_may_not_bring_a_descriptor(void **state)
{
	struct pair *pair = *state;
	HD_AUTO_FREE char *data = NULL;
	int before = count_descriptors();
	int passed_fd = -1;
	size_t size;

	put_with_descriptors(pair->ours, "\x01", 1, STDERR_FILENO, 1);
	put_with_descriptors(pair->ours, "\x00", 1, STDERR_FILENO, 1);
	put_with_descriptors(pair->ours, "\x00\x00x", 3, STDERR_FILENO, 1);
	assert_int_equal(hd_socket_receive(pair->theirs, 1000, &data, &size, &passed_fd), 0);
	assert_string_equal(data, "x");
	assert_true(passed_fd >= 0);
	(void)close(passed_fd);
	assert_int_equal(count_descriptors(), before);
}

static void descriptors_in_the_middle_of_a_frame_vanish(void **state)
{
	struct pair *pair = *state;
	HD_AUTO_FREE char *data = NULL;
	int before = count_descriptors();
	size_t size;
	int passed_fd;

	put_raw(pair->ours, "\x02\x00\x00\x00", 4);
	put_with_descriptors(pair->ours, "ab", 2, STDERR_FILENO, 1);
	assert_int_equal(hd_socket_receive(pair->theirs, 1000, &data, &size, &passed_fd), 0);
	assert_string_equal(data, "ab");
	assert_int_equal(passed_fd, -1);
	assert_int_equal(count_descriptors(), before);
}

static void a_descriptor_of_a_bad_frame_is_closed(void **state)
{
	struct pair *pair = *state;
	int before = count_descriptors();

	put_with_descriptors(pair->ours, "\xff\xff\xff\xff", 4, STDERR_FILENO, 1);
	assert_receive_fails(pair->theirs, 1000, -HD_E_CONTROL_PROTOCOL);
	assert_int_equal(count_descriptors(), before);
}

static void talk_at(const char *path)
{
	HD_AUTO_CLOSE int listener = hd_socket_listen(path);
	HD_AUTO_CLOSE int client = -1, server = -1;
	HD_AUTO_FREE char *data = NULL;
	struct stat st;
	size_t size;
	int passed_fd;

	assert_true(listener >= 0);
	client = hd_socket_connect(path);
	assert_true(client >= 0);
	server = hd_socket_accept(listener);
	assert_true(server >= 0);
	assert_int_equal(fcntl(server, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(hd_socket_send(client, "hello", 5, -1), 0);
	assert_int_equal(hd_socket_receive(server, 1000, &data, &size, &passed_fd), 0);
	assert_string_equal(data, "hello");
	if (lstat(path, &st) == 0)
		assert_int_equal(st.st_mode & 07777, 0600);
}

static void long_paths_reach_the_same_socket(void **state)
{
	const struct scratch *scratch = *state;
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/short.sock", scratch->path);
	talk_at(path);
	(void)strcpy(path, scratch->path);
	for (int i = 0; i < 8; i++) {
		(void)strcat(path, "/a-directory-with-a-long-name");
		assert_int_equal(mkdir(path, 0700), 0);
	}
	(void)strcat(path, "/s.sock");
	talk_at(path);
	talk_at(path);
}

static void every_length_around_the_limit_works(void **state)
{
	const struct scratch *scratch = *state;
	char directory[128], path[256];

	(void)snprintf(directory, sizeof(directory), "%s/%060d", scratch->path, 0);
	assert_int_equal(mkdir(directory, 0700), 0);
	for (size_t length = 104; length <= 111; length++) {
		size_t used = (size_t)snprintf(path, sizeof(path), "%s/", directory);

		memset(path + used, 's', length - used);
		path[length] = '\0';
		talk_at(path);
	}
	memset(path + strlen(directory) + 1, 's', 120);
	path[strlen(directory) + 121] = '\0';
	assert_int_equal(hd_socket_listen(path), -ENAMETOOLONG);
	assert_int_equal(hd_socket_connect(""), -ENOENT);
}

static void a_live_listener_is_not_replaced_a_dead_one_is(void **state)
{
	const struct scratch *scratch = *state;
	HD_AUTO_CLOSE int first = -1, second = -1;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/control.sock", scratch->path);
	assert_int_equal(hd_socket_connect(path), -ENOENT);
	first = hd_socket_listen(path);
	assert_true(first >= 0);
	assert_int_equal(hd_socket_listen(path), -EADDRINUSE);
	(void)close(hd_steal_fd(&first));
	assert_int_equal(hd_socket_connect(path), -ECONNREFUSED);
	second = hd_socket_listen(path);
	assert_true(second >= 0);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	const struct scratch *scratch = *state;
	char path[128];
	struct stat st;

	scratch_write(scratch, "control.sock", "precious");
	(void)snprintf(path, sizeof(path), "%s/control.sock", scratch->path);
	assert_int_equal(hd_socket_listen(path), -EADDRINUSE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 8);
}

/* Connects as somebody else and tells how it went: 0 when the server hung up without a word. */
static int connect_as_nobody(void *payload)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", (const char *)payload);
	if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		return 2;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return 3;
	return read(fd, &byte, 1) == 0 ? 0 : 4;
}

struct acceptance {
	int listen_fd;
	int r;
};

static void *accept_one(void *payload)
{
	struct acceptance *acceptance = payload;

	acceptance->r = hd_socket_accept(acceptance->listen_fd);
	return NULL;
}

static void another_users_connection_is_closed(void **state)
{
	const struct scratch *scratch = *state;
	struct acceptance acceptance = {.r = 0};
	pthread_t thread;
	char path[128];
	int status;

	if (geteuid() != 0)
		skip();
	(void)snprintf(path, sizeof(path), "%s/control.sock", scratch->path);
	acceptance.listen_fd = hd_socket_listen(path);
	assert_true(acceptance.listen_fd >= 0);
	assert_int_equal(chmod(scratch->path, 0755), 0);
	/* The file's mode already keeps others out. */
	status = child_run(connect_as_nobody, path, NULL, 0);
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(hd_thread_start(&thread, "accept", accept_one, &acceptance), 0);
	status = child_run(connect_as_nobody, path, NULL, 0);
	hd_thread_join(thread);
	assert_int_equal(acceptance.r, -EPERM);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	(void)close(acceptance.listen_fd);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)
#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_set_up, scratch_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIR(frames_keep_their_bounds_and_order),
		WITH_PAIR(a_descriptor_travels_with_its_frame),
		WITH_PAIR(the_largest_frame_passes_and_one_byte_more_does_not),
		WITH_PAIR(an_oversized_length_is_refused_before_its_bytes),
		cmocka_unit_test(frames_torn_by_the_peers_end_are_malformed),
		WITH_PAIR(an_end_between_frames_is_a_reset),
		WITH_PAIR(silence_and_half_a_frame_both_time_out),
		WITH_PAIR(a_peer_that_drips_cannot_stretch_the_timeout),
		WITH_PAIR(surplus_descriptors_are_refused_and_closed),
		WITH_PAIR(each_byte_of_a_header_may_not_bring_a_descriptor),
		WITH_PAIR(descriptors_in_the_middle_of_a_frame_vanish),
		WITH_PAIR(a_descriptor_of_a_bad_frame_is_closed),
		WITH_SCRATCH(long_paths_reach_the_same_socket),
		WITH_SCRATCH(every_length_around_the_limit_works),
		WITH_SCRATCH(a_live_listener_is_not_replaced_a_dead_one_is),
		WITH_SCRATCH(a_file_that_is_no_socket_is_left_alone),
		WITH_SCRATCH(another_users_connection_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
