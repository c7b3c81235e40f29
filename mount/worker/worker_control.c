/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A client gets a thread of the pool for as long as it stays; one that says nothing loses it. Slow requests (a capture)
 * and slow clients thus delay nobody but themselves, up to the pool's size.
 *
 * When the supervisor is gone the worker goes on serving: programs in the mount must not suffer for it. Another one may
 * adopt it (adoption.h); without one the mount ends like any other when somebody unmounts it.
 */

#include "mount/worker/worker_control.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mount/answers/replaced_files.h"
#include "mount/control/control_channel.h"
#include "mount/control/control_progress.h"
#include "mount/control/control_reply.h"
#include "mount/parts/adoption.h"
#include "mount/watchdog/watchdog.h"
#include "overlay/overlay.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/log.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/threads/task_thread.h"

#define CLIENT_THREADS 32
#define CLIENT_LIMIT 256
#define CLIENT_FIRST_MS 2000 /* a client asks at once; one that never does keeps others out */
#define CLIENT_IDLE_MS 60000 /* one that has asked may flush the mount before it asks again */
#define SHOW_LIMIT_NS 5000000000u
#define ASIDE_PATIENCE_MS 10000
#define FRAME_TIMEOUT_MS 2000
#define LINK_TIMEOUT_MS 10000

struct hd_worker_control {
	struct hd_worker_control_settings settings;
	pthread_t listener;
	struct hd_pool *pool; /* owned */
	int stop_flag;        /* owned */
	_Atomic pid_t supervisor;
	_Atomic bool yields;
};

struct client {
	struct hd_worker_control *control;
	int fd;         /* owned */
	json_t *untold; /* owned: a reply with replaced files, until the client has shown them to the kernel */
	uint64_t told_ns; /* when it was sent */
};

/*
 * An unmount is the supervisor's to do and to answer, when this process is gone. While not all can be brought to disk
 * the mount stays: there, what is in memory alone can still be read and copied elsewhere.
 */
static int forward_unmount(struct hd_worker_control *control, const json_t *request, int fd)
{
	bool lazy = json_is_true(json_object_get(request, "lazy"));
	int r = lazy ? 0 : hd_overlay_save(control->settings.overlay);

	if (r < 0 && r != -HD_E_STORE_DELETED) {
		r = hd_fail_in(r, "the mount stays, it holds what is not on disk yet");
		return hd_control_send(fd, hd_control_error_reply(r), -1);
	}
	return hd_control_send(control->settings.link_fd,
		json_pack("{s:s, s:b, s:b}", "op", "unmount", "lazy", (int)lazy, "owned",
			json_is_true(json_object_get(request, "owned"))),
		fd);
}

static void forget_untold(struct client *client)
{
	const struct hd_control_environment *environment = &client->control->settings.environment;

	if (client->untold && environment->session)
		environment->switching->changes_are_shown(environment->session);
	json_decref(client->untold);
	client->untold = NULL;
}

static void show_aside(struct client *client)
{
	struct hd_overlay *overlay = client->control->settings.overlay;
	HD_AUTO_CLOSE int fd = -1;
	unsigned ready;
	int r = hd_replaced_files_show_aside(hd_overlay_store(overlay)->path, hd_overlay_thread(overlay),
		client->untold, SHOW_LIMIT_NS, &fd);

	if (r < 0) {
		hd_log(HD_LOG_WARNING, "files that were replaced are not shown to the kernel: %s",
			hd_error_message(r));
		return;
	}
	(void)hd_descriptor_wait((const int[]){fd, client->control->stop_flag}, 2, ASIDE_PATIENCE_MS, &ready);
}

/*
 * The client is gone: what it had replaced and did not show the kernel somebody else does. Not long after: what others have written
 * since is theirs. One that is STILL_THERE takes too long, and is told to leave it.
 */
static void show_untold(struct client *client, bool still_there)
{
	if (client->untold && still_there)
		(void)hd_control_send(client->fd, json_pack("{s:s}", "op", "late"), -1);
	else if (client->untold && hd_clock_monotonic_ns() - client->told_ns < SHOW_LIMIT_NS)
		show_aside(client);
	forget_untold(client);
}

/* One request and its reply; nonzero ends the connection. */
static int serve_request(struct client *client)
{
	const struct hd_worker_control_settings *settings = &client->control->settings;
	struct hd_control_environment environment = settings->environment;
	struct hd_control_watch watch;
	HD_AUTO_CLOSE int passed_fd = -1;
	json_t *request = NULL;
	json_t *reply = NULL;
	int r;

	/* The thread served others before: what they did wrong is not for this one. */
	hd_error_clear();
	r = hd_control_receive(client->fd, FRAME_TIMEOUT_MS, &request, &passed_fd);
	if (r == -HD_E_CONTROL_PROTOCOL) {
		(void)hd_control_send(client->fd, hd_control_error_reply(r), -1);
		return r;
	}
	if (r < 0)
		return r;
	hd_cleanup_close(&passed_fd);
	passed_fd = -1;
	if (strcmp(hd_control_op(request), "unmount") == 0) {
		r = forward_unmount(client->control, request, client->fd);
		json_decref(request);
		return 1;
	}
	if (strcmp(hd_control_op(request), "step_down") == 0) {
		json_decref(request);
		(void)hd_control_send(settings->link_fd, json_pack("{s:s}", "op", "step_down"), client->fd);
		return 1;
	}
	/* It was sent when the reply to what it cancels was under way. */
	if (strcmp(hd_control_op(request), "cancel") == 0) {
		json_decref(request);
		return 0;
	}
	if (strcmp(hd_control_op(request), "shown") == 0) {
		json_decref(request);
		forget_untold(client);
		return 0;
	}
	/* Who asks for something else is done with it; another switch would wait for that. */
	forget_untold(client);
	environment.supervisor = atomic_load(&client->control->supervisor);
	hd_control_watch_begin(&watch, client->fd, request);
	r = hd_control_execute(settings->overlay, &environment, request, &reply, &passed_fd);
	hd_control_watch_end();
	json_decref(request);
	if (r >= 0 && hd_replaced_files_any(reply)) {
		client->untold = json_incref(reply);
		client->told_ns = hd_clock_monotonic_ns();
	}
	return r < 0 ? r : hd_control_send_reply(client->fd, reply, passed_fd);
}

static void serve_client(void *payload)
{
	struct client *client = payload;
	const int fds[] = {client->fd, client->control->stop_flag};
	int patience_ms = CLIENT_FIRST_MS;
	unsigned ready = 0;
	int r;

	for (;;) {
		r = hd_descriptor_wait(fds, HD_ARRAY_SIZE(fds), patience_ms, &ready);
		if (r < 0 || ready != 1 || serve_request(client) != 0)
			break;
		patience_ms = CLIENT_IDLE_MS;
	}
	show_untold(client, r >= 0 && ready == 0);
	hd_cleanup_close(&client->fd);
	free(client);
}

static void accept_client(struct hd_worker_control *control, int *fd)
{
	struct client *client = malloc(sizeof(*client));

	if (!client)
		return;
	*client = (struct client){.control = control, .fd = *fd};
	/* Too many at once: the connection is closed, the client tries again. */
	if (hd_pool_submit(control->pool, serve_client, client) < 0)
		free(client);
	else
		(void)hd_steal_fd(fd);
}

static void sync_task(void *payload)
{
	struct hd_worker_control *control = payload;
	int r = hd_overlay_sync(control->settings.overlay);
	json_t *message = r < 0 ? hd_control_error_reply(r) : json_object();

	(void)json_object_set_new(message, "op", json_string("synced"));
	(void)json_object_set_new(message, "ok", json_boolean(r >= 0));
	(void)hd_control_send(control->settings.link_fd, message, -1);
}

static int hear_supervisor(struct hd_worker_control *control)
{
	HD_AUTO_CLOSE int fd = -1;
	json_t *message;
	const char *op;
	int r;

	r = hd_control_receive(control->settings.link_fd, LINK_TIMEOUT_MS, &message, &fd);
	if (r < 0)
		return r;
	op = hd_control_op(message);
	if (strcmp(op, "client") == 0 && fd >= 0) {
		accept_client(control, &fd);
	} else if (strcmp(op, "stop") == 0 || strcmp(op, "yield") == 0) {
		atomic_store(&control->yields, strcmp(op, "yield") == 0);
		hd_fuse_session_stop(control->settings.session);
	} else if (strcmp(op, "announce") == 0) {
		hd_announce_all(control->settings.announcements);
	} else if (strcmp(op, "sync") == 0 && hd_pool_submit(control->pool, sync_task, control) < 0) {
		sync_task(control);
	}
	json_decref(message);
	return 0;
}

void hd_worker_control_name_thread(int link_fd, pid_t thread)
{
	if (thread > 0)
		(void)hd_control_send(
			link_fd, json_pack("{s:s, s:i}", "op", "thread", "id", (int)thread), -1);
}

/* Of several that end with this process, one that begins early. */
static void name_some_thread(const struct hd_worker_control *control)
{
	pid_t watchdog = hd_watchdog_thread(control->settings.environment.watchdog);

	hd_worker_control_name_thread(control->settings.link_fd, watchdog > 0 ? watchdog : gettid());
}

/* True when there is another supervisor. */
static bool hear_adopter(struct hd_worker_control *control)
{
	const struct hd_worker_control_settings *settings = &control->settings;
	HD_AUTO_FREE char *options = hd_mount_options_format(settings->environment.options);
	const struct hd_adoption_offer offer = {.link_fd = settings->link_fd,
		.device = hd_fuse_session_device(settings->session),
		.mountpoint = settings->environment.mountpoint,
		.options = options,
		.restarts = settings->environment.restarts,
		.last_restart = settings->environment.last_restart};
	pid_t pid;
	int r = hd_adoption_answer(&offer, &pid);

	/* Somebody who asked a worker before us, and has gone on without it. */
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		hd_log(HD_LOG_WARNING, "not adopted: %s", hd_error_message(r));
	if (r <= 0)
		return false;
	atomic_store(&control->supervisor, pid);
	hd_announce_all(settings->announcements);
	name_some_thread(control);
	return true;
}

static void *listener_main(void *payload)
{
	struct hd_worker_control *control = payload;
	const struct hd_worker_control_settings *settings = &control->settings;
	bool linked = true;
	unsigned ready = 0;
	int r = 0;

	name_some_thread(control);
	while (r >= 0 && !(ready & 2)) {
		const int fds[] = {linked ? settings->link_fd : -1, control->stop_flag, settings->signal_fd,
			HD_PART_FD(HD_PART_ADOPTION)};

		r = hd_descriptor_wait(fds, HD_ARRAY_SIZE(fds), -1, &ready);
		if (r >= 0 && (ready & 4) && hd_process_signal_read(settings->signal_fd) > 0)
			hd_fuse_session_stop(settings->session);
		/* What the old one still says is nobody's to hear. */
		if (r >= 0 && (ready & 8) && hear_adopter(control)) {
			linked = true;
			continue;
		}
		if (r < 0 || !(ready & 1))
			continue;
		if (hear_supervisor(control) < 0) {
			hd_log(HD_LOG_WARNING, "the supervisor is gone; serving until there is another");
			linked = false;
		}
	}
	return NULL;
}

int hd_worker_control_start(
	const struct hd_worker_control_settings *settings, struct hd_worker_control **ret_control)
{
	struct hd_worker_control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->settings = *settings;
	atomic_init(&control->supervisor, settings->environment.supervisor);
	r = control->stop_flag = hd_descriptor_flag();
	if (r >= 0)
		r = hd_pool_new("control", CLIENT_THREADS, CLIENT_LIMIT, &control->pool);
	if (r >= 0)
		r = hd_thread_start(&control->listener, "link", listener_main, control);
	if (r < 0) {
		if (control->pool)
			hd_pool_free(control->pool);
		hd_cleanup_close(&control->stop_flag);
		free(control);
		return hd_fail_in(r, "start the control threads");
	}
	*ret_control = control;
	return 0;
}

void hd_worker_control_stop(struct hd_worker_control *control)
{
	if (!control)
		return;
	hd_descriptor_flag_raise(control->stop_flag);
	hd_thread_join(control->listener);
	hd_pool_free(control->pool);
	hd_cleanup_close(&control->stop_flag);
	free(control);
}

bool hd_worker_control_yields(const struct hd_worker_control *control)
{
	return atomic_load(&control->yields);
}
