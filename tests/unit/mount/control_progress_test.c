/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "mount/answers/control_execute.h"
#include "mount/client/control_client.h"
#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/control/control_progress.h"
#include "mount/control/control_reply.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/sockets/socket.h"
#include "overlay/platform/threads/task_thread.h"

enum { CLIENT, SERVER };

static int ends[2];

static int open_ends(void **state)
{
	(void)state;
	return hd_socket_pair(ends);
}

static void close_end(int which)
{
	if (ends[which] >= 0)
		assert_int_equal(close(ends[which]), 0);
	ends[which] = -1;
}

static int close_ends(void **state)
{
	(void)state;
	close_end(CLIENT);
	close_end(SERVER);
	return 0;
}

/* A server of one request, which goes on until it is stopped. */
static void *serve_until_stopped(void *payload)
{
	json_t *request = json_pack("{s:s, s:b}", "op", "capture", "progress", *(int *)payload);
	struct hd_control_watch watch;
	int r;

	hd_control_watch_begin(&watch, ends[SERVER], request);
	hd_work_step(HD_WORK_STORING_FILES, 4000000000u);
	while ((r = hd_work_advance(3)) == 0)
		hd_clock_sleep_ns(1000000);
	hd_control_watch_end();
	json_decref(request);
	(void)hd_control_send_reply(ends[SERVER], hd_control_error_reply(r), -1);
	return NULL;
}

static void a_client_that_wants_to_stop_gets_the_answer_of_that(void **state)
{
	struct hd_work work = {0};
	json_t *reply = NULL;
	int tells = 0;
	pthread_t server;
	int fd = -1;

	(void)state;
	assert_int_equal(hd_thread_start(&server, "server", serve_until_stopped, &tells), 0);
	hd_work_begin(&work, NULL, NULL);
	hd_work_stop(&work);
	assert_int_equal(hd_control_wait_reply(ends[CLIENT], &reply, &fd), 0);
	hd_work_end();
	hd_thread_join(server);
	assert_int_equal(hd_control_reply_status(reply), -HD_E_INTERRUPTED);
	json_decref(reply);
}

struct waiting {
	struct hd_work work;
	json_t *reply;
	int result;
};

static void *wait_for_reply(void *payload)
{
	struct waiting *waiting = payload;
	int fd = -1;

	hd_work_begin(&waiting->work, NULL, NULL);
	waiting->result = hd_control_wait_reply(ends[CLIENT], &waiting->reply, &fd);
	hd_work_end();
	return NULL;
}

static void a_client_hears_how_far_it_is(void **state)
{
	struct waiting waiting = {.result = 1};
	pthread_t server, client;
	int tells = 1;

	(void)state;
	assert_int_equal(hd_thread_start(&server, "server", serve_until_stopped, &tells), 0);
	assert_int_equal(hd_thread_start(&client, "client", wait_for_reply, &waiting), 0);
	while (waiting.work.done == 0)
		hd_clock_sleep_ns(1000000);
	assert_int_equal(waiting.work.step, HD_WORK_STORING_FILES);
	assert_int_equal(waiting.work.total, 4000000000u);
	assert_int_equal(waiting.work.done % 3, 0);
	hd_work_stop(&waiting.work);
	hd_thread_join(client);
	hd_thread_join(server);
	assert_int_equal(waiting.result, 0);
	assert_int_equal(hd_control_reply_status(waiting.reply), -HD_E_INTERRUPTED);
	json_decref(waiting.reply);
}

static void a_client_that_goes_away_stops_its_request(void **state)
{
	pthread_t server;
	int tells = 0;

	(void)state;
	assert_int_equal(hd_thread_start(&server, "server", serve_until_stopped, &tells), 0);
	close_end(CLIENT);
	hd_thread_join(server); /* ends */
}

static void a_server_that_goes_away_ends_the_waiting(void **state)
{
	struct hd_work work = {0};
	json_t *reply = NULL;
	int fd = -1;

	(void)state;
	close_end(SERVER);
	hd_work_begin(&work, NULL, NULL);
	hd_work_stop(&work);
	assert_int_equal(hd_control_wait_reply(ends[CLIENT], &reply, &fd), -ECONNRESET);
	hd_work_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_client_that_wants_to_stop_gets_the_answer_of_that, open_ends, close_ends),
		cmocka_unit_test_setup_teardown(a_client_hears_how_far_it_is, open_ends, close_ends),
		cmocka_unit_test_setup_teardown(
			a_client_that_goes_away_stops_its_request, open_ends, close_ends),
		cmocka_unit_test_setup_teardown(
			a_server_that_goes_away_ends_the_waiting, open_ends, close_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
