/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mount/control/control_channel.h"
#include "mount/control/control_reply.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/sockets/socket.h"
#include "overlay/platform/threads/task_thread.h"

static int ends[2];

static int open_ends(void **state)
{
	(void)state;
	return hd_socket_pair(ends);
}

static int close_ends(void **state)
{
	(void)state;
	return close(ends[0]) + close(ends[1]);
}

/* A reply whose JSON is SIZE bytes and a little more. */
static json_t *reply_of(size_t size)
{
	char *text = malloc(size);
	json_t *reply;

	assert_non_null(text);
	memset(text, 'x', size);
	reply = json_pack("{s:b, s:s#}", "ok", 1, "text", text, (int)size);
	free(text);
	return reply;
}

struct sending {
	size_t size;
	int passed_fd;
	int result;
};

static void *send_reply(void *payload)
{
	struct sending *sending = payload;

	sending->result = hd_control_send_reply(ends[0], reply_of(sending->size), sending->passed_fd);
	return NULL;
}

/* Sends beside, as a reply may be larger than what a socket queues. */
static void exchange(size_t size, int passed_fd, int *ret_fd)
{
	struct sending sending = {size, passed_fd, 1};
	json_t *reply = NULL;
	pthread_t thread;

	assert_int_equal(hd_thread_start(&thread, "sender", send_reply, &sending), 0);
	assert_int_equal(hd_control_receive_reply(ends[1], &reply, ret_fd), 0);
	hd_thread_join(thread);
	assert_int_equal(sending.result, 0);
	assert_int_equal(json_string_length(json_object_get(reply, "text")), size);
	assert_true(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
}

static void a_small_reply_brings_its_file_or_none(void **state)
{
	int file = hd_memory_file_create("test", 0);
	int received = 99;

	(void)state;
	exchange(10, -1, &received);
	assert_int_equal(received, -1);
	exchange(10, file, &received);
	assert_true(received >= 0);
	close(received);
	close(file);
}

static void a_reply_above_a_frame_arrives_whole(void **state)
{
	int received = 99;

	(void)state;
	exchange(HD_FRAME_LIMIT + 1000, -1, &received);
	assert_int_equal(received, -1);
}

static void a_file_keeps_its_bytes_and_length_beside_a_reply_above_a_frame(void **state)
{
	int file = hd_memory_file_create("test", 5);
	char text[6] = {0};
	int received = -1;

	(void)state;
	assert_int_equal(hd_memory_file_write(file, "patch", 5, 0), 0);
	exchange(HD_FRAME_LIMIT + 1000, file, &received);
	assert_true(received >= 0);
	assert_int_equal(hd_memory_file_size(received), 5);
	assert_int_equal(hd_memory_file_read(received, text, 5, 0), 0);
	assert_string_equal(text, "patch");
	close(received);
	close(file);
}

static void expect_refused(json_t *frame, int passed_fd)
{
	json_t *reply = NULL;
	int received = -1;

	assert_int_equal(hd_control_send(ends[0], frame, passed_fd), 0);
	assert_int_equal(hd_control_receive_reply(ends[1], &reply, &received), -HD_E_CONTROL_PROTOCOL);
	assert_null(reply);
	assert_int_equal(received, -1);
}

static json_t *spilled(json_int_t offset, json_int_t size)
{
	return json_pack("{s:{s:I, s:I, s:b}}", "spilled", "offset", offset, "size", size, "file", 0);
}

static void what_a_file_does_not_hold_is_refused(void **state)
{
	int file = hd_memory_file_create("test", 4096);

	(void)state;
	expect_refused(spilled(0, 4096), -1);           /* no file */
	expect_refused(spilled(0, 4096), file);         /* zeroes are no JSON */
	expect_refused(spilled(0, 4095), file);         /* not its end */
	expect_refused(spilled(0, 8192), file);         /* beyond it */
	expect_refused(spilled(-4096, 8192), file);     /* before it */
	expect_refused(spilled(4096, 0), file);         /* nothing */
	expect_refused(spilled(4097, -1), file);        /* less */
	expect_refused(spilled(0, INT64_MAX), file);    /* more than there is */
	expect_refused(spilled(INT64_MAX, 4097), file); /* sums that wrap */
	expect_refused(json_pack("{s:i}", "spilled", 1), file);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_small_reply_brings_its_file_or_none, open_ends, close_ends),
		cmocka_unit_test_setup_teardown(a_reply_above_a_frame_arrives_whole, open_ends, close_ends),
		cmocka_unit_test_setup_teardown(
			a_file_keeps_its_bytes_and_length_beside_a_reply_above_a_frame, open_ends,
			close_ends),
		cmocka_unit_test_setup_teardown(what_a_file_does_not_hold_is_refused, open_ends, close_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
