/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Leader and standby.
 *
 * Why one reader: each request that wakes another thread than the one that is awake costs a switch between
 * CPUs, which is more than the handler itself. One thread that reads, answers and looks again for some 50 us
 * finds the next request of a busy program without any switch. Why not only one: a handler may wait for a
 * disk or a base.
 *
 * The hand-over, from cheap to dear:
 *   1. A request of a kind that has lately taken longer than HANDOVER_NS: the lead is given away before it is
 * begun.
 *   2. A request that takes unexpectedly long: while requests come, one parked thread (the standby) looks
 * every WATCH_NS; if the leader is still in the request that it was in at the last look, it takes the lead.
 *   3. No parked thread: one is started, up to the limit; at the limit the first to finish leads.
 *
 * The lead is a number in `lead`: (ticket << 1) | busy. Tickets only grow, so a leader that comes back from a
 * long request learns by one compare-and-swap whether it still leads.
 *
 * Invariants  I1: at most one thread reads the device. I2: `led` is true while some thread holds the current
 * ticket. I3: while a leader is busy and a thread is parked, `watching` is true or about to be set by the
 * leader: the standby clears it first and looks at `lead` again after that.
 */

#include "mount/fuse/session/fuse_loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "mount/fuse/requests/fuse_request.h"
#include "mount/fuse/requests/request_trace.h"
#include "mount/fuse/session/fuse_process.h"
#include "mount/fuse/session/fuse_take_over.h"
#include "overlay/inodes/request.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/kill_point.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/log.h"
#include "overlay/platform/threads/task_thread.h"

#define HANDOVER_NS 60000u      /* an expected duration that is worth waking another thread for */
#define SAMPLE_LIMIT_NS 400000u /* one outlier must not change the expectation of its kind */
#define WATCH_NS 1000000u
#define WATCH_IDLE_TICKS 20u /* looks without a request after which the standby sleeps for good */
#define SPIN_MISSES 8u       /* looks in vain after which the leader sleeps at once */
#define KIND_COUNT 64u

#define READ_FAILURES 100u /* in a row, after which the device is given up */
#define READ_PAUSE_NS 10000000u

#define SPIN_PAUSE 256u /* requests without spinning after another program wanted the CPU */

/* Without a request, after which a thread gives its buffers' memory back. Having it again takes some 100 us. */
#define REST_MS 5000
#define REST_NS (REST_MS * 1000000ull)

struct hd_fuse_loop {
	struct hd_fuse_session *session; /* borrowed */
	int device;                      /* owned, non-blocking */
	int stop_flag;                   /* owned */
	uint64_t spin_ns;
	unsigned spin_misses;   /* of the leader alone */
	unsigned spin_pause;    /* of the leader alone: requests to take before it spins again */
	unsigned read_failures; /* of the leader alone: in a row */
	bool drained;           /* of the leader alone: what the kernel sends again was read */

	_Atomic uint64_t lead;     /* (ticket << 1) | busy */
	_Atomic uint64_t sequence; /* requests taken */
	_Atomic bool watching;
	_Atomic bool stopping;
	_Atomic uint32_t expected_ns[KIND_COUNT]; /* running mean by opcode */

	struct hd_mutex lock;      /* rank HD_RANK_SESSION; protects every field marked (lock) */
	struct hd_condition wake;  /* for parked threads: the lead is free, watching began, or stopping */
	struct hd_condition ended; /* for _run: stopping */
	bool led;                  /* (lock) */
	bool has_standby;          /* (lock) one parked thread waits with a deadline */
	uint64_t tickets;          /* (lock) given out */
	unsigned parked;           /* (lock) */
	unsigned started;          /* (lock) threads, ever; they end only with the loop */
	unsigned limit;
	pthread_t *threads; /* (lock) owned array of limit */
	int result;         /* (lock) */
};

/* ---- reading ---- */

/* Sleeps until there is something to read; THREAD rests if that takes long. -ECANCELED when stopped. */
static int wait_readable(struct hd_fuse_loop *loop, struct hd_fuse_thread *thread)
{
	const int fds[] = {loop->device, loop->stop_flag};
	uint64_t began = hd_clock_monotonic_ns();
	unsigned ready = 0;
	int r;

	r = hd_descriptor_wait(fds, HD_ARRAY_SIZE(fds), REST_MS, &ready);
	if (r >= 0 && !ready) {
		hd_fuse_thread_rest(thread);
		r = hd_descriptor_wait(fds, HD_ARRAY_SIZE(fds), -1, &ready);
		hd_fuse_thread_rouse(thread);
	}
	if (r < 0)
		return r;
	if (ready & 2)
		return -ECANCELED;
	/* Looking again would have found it: requests keep coming. */
	if (hd_clock_monotonic_ns() - began < loop->spin_ns)
		loop->spin_misses = 0;
	return 0;
}

/*
 * The kernel puts what it sends again in front of everything new: the first new request, or none at all, means that
 * every old one was read.
 */
static void note_drained(struct hd_fuse_loop *loop, const struct fuse_in_header *header)
{
	if (loop->drained)
		return;
	if (header && (hd_fuse_is_resent(header) || !hd_fuse_is_answered(header->opcode)))
		return;
	loop->drained = true;
	hd_fuse_resent_begun(loop->session);
}

/*
 * The device could not be read, or not be waited for. For want of memory, of one request's pages: the kernel has answered
 * that one EIO, and the next is another matter. 0 to try again; codes that are no failure come back at once.
 */
static int survive_failure(struct hd_fuse_loop *loop, int code)
{
	if (code == -ECANCELED || code == -ENODEV || loop->read_failures++ >= READ_FAILURES)
		return code;
	if (loop->read_failures == 1)
		hd_log(HD_LOG_ERROR, "a request cannot be read: %s", hd_error_message(code));
	hd_clock_sleep_ns(READ_PAUSE_NS);
	return 0;
}

/* The next message, in THREAD's buffer; called by the leader alone. */
static int take_message(struct hd_fuse_loop *loop, struct hd_fuse_thread *thread, size_t *ret_size)
{
	int r;

	for (;;) {
		bool spin = loop->spin_misses < SPIN_MISSES && loop->spin_pause == 0;

		if (atomic_load_explicit(&loop->stopping, memory_order_relaxed))
			return -ECANCELED;
		r = hd_descriptor_read_spinning(loop->device, thread->message, HD_FUSE_MESSAGE_SIZE,
			spin ? loop->spin_ns : 0, ret_size);
		if (r == 0 && *ret_size >= sizeof(struct fuse_in_header)) {
			note_drained(loop, thread->message);
			loop->read_failures = 0;
			if (spin)
				loop->spin_misses = 0;
			else if (loop->spin_pause > 0)
				loop->spin_pause--;
			return 0;
		}
		/* A request may be withdrawn between queue and read: ENOENT. */
		if (r == 0 || r == -ENOENT)
			continue;
		if (r == -EBUSY)
			loop->spin_pause = SPIN_PAUSE;
		if (r == -EBUSY || r == -EAGAIN) {
			note_drained(loop, NULL);
			loop->spin_misses += spin;
			r = wait_readable(loop, thread);
		}
		if (r < 0)
			r = survive_failure(loop, r);
		if (r < 0)
			return r;
	}
}

int hd_fuse_loop_first(struct hd_fuse_loop *loop, struct hd_fuse_thread *thread, size_t *ret_size)
{
	return take_message(loop, thread, ret_size);
}

/* ---- the lead ---- */

static void *reader_main(void *payload);

/* Starts a thread if none is parked and the limit allows. */
static int ensure_standby_locked(struct hd_fuse_loop *loop)
{
	int r;

	if (loop->parked > 0 || loop->started == loop->limit || loop->stopping)
		return 0;
	r = hd_thread_start(&loop->threads[loop->started], "reader", reader_main, loop);
	if (r >= 0) {
		loop->started++;
		/* Counted as parked from now on, so that the next request does not start another. */
		loop->parked++;
	}
	return r;
}

/* Gives the lead away before a request that will take long. */
static void hand_over(struct hd_fuse_loop *loop)
{
	hd_mutex_lock(&loop->lock);
	loop->led = false;
	(void)ensure_standby_locked(loop);
	hd_condition_signal(&loop->wake);
	hd_mutex_unlock(&loop->lock);
}

/* Makes sure that somebody looks after a leader that keeps the lead while it works. */
static void begin_watch(struct hd_fuse_loop *loop)
{
	hd_mutex_lock(&loop->lock);
	loop->watching = true;
	(void)ensure_standby_locked(loop);
	hd_condition_signal(&loop->wake);
	hd_mutex_unlock(&loop->lock);
}

struct watch {
	uint64_t sequence; /* at the last look */
	unsigned idle;     /* looks without a new request */
};

/* One look at the leader: true when the lead was taken from it. */
static bool look_locked(struct hd_fuse_loop *loop, struct watch *watch)
{
	uint64_t lead = atomic_load(&loop->lead);
	uint64_t sequence = atomic_load(&loop->sequence);
	bool same = sequence == watch->sequence;

	watch->sequence = sequence;
	if (!same) {
		watch->idle = 0;
		return false;
	}
	if (lead & 1) {
		/* Still in the request of the last look. Ticket 0 is nobody's: the old leader's return fails.
		 */
		return atomic_compare_exchange_strong(&loop->lead, &lead, 0);
	}
	if (++watch->idle < WATCH_IDLE_TICKS)
		return false;
	watch->idle = 0;
	atomic_store(&loop->watching, false);
	/* I3 */
	if ((atomic_load(&loop->lead) & 1) || atomic_load(&loop->sequence) != sequence)
		atomic_store(&loop->watching, true);
	return false;
}

/* Waits, without a watch to keep. THREAD may be NULL; else it rests when that takes long. */
static void park_locked(struct hd_fuse_loop *loop, struct hd_fuse_thread *thread)
{
	if (!thread || thread->rests) {
		hd_condition_wait(&loop->wake, &loop->lock);
		return;
	}
	if (hd_condition_wait_until(&loop->wake, &loop->lock, hd_clock_monotonic_ns() + REST_NS))
		return;
	hd_mutex_unlock(&loop->lock);
	hd_fuse_thread_rest(thread);
	hd_mutex_lock(&loop->lock);
}

/* Parks until the calling thread leads; false when the loop stops. */
static bool await_lead_locked(struct hd_fuse_loop *loop, struct hd_fuse_thread *thread)
{
	struct watch watch = {.sequence = ~0ull};

	while (loop->led && !loop->stopping) {
		if (!atomic_load(&loop->watching) || loop->has_standby) {
			park_locked(loop, thread);
			continue;
		}
		loop->has_standby = true;
		if (!hd_condition_wait_until(&loop->wake, &loop->lock, hd_clock_monotonic_ns() + WATCH_NS) &&
			loop->led && look_locked(loop, &watch))
			loop->led = false;
		loop->has_standby = false;
	}
	if (loop->stopping)
		return false;
	loop->led = true;
	loop->parked--;
	atomic_store(&loop->lead, ++loop->tickets << 1);
	if (atomic_load(&loop->watching)) {
		/* The watch goes on over the new leader. */
		(void)ensure_standby_locked(loop);
		hd_condition_signal(&loop->wake);
	}
	return true;
}

static void stop_with(struct hd_fuse_loop *loop, int result)
{
	hd_mutex_lock(&loop->lock);
	if (!loop->stopping && result != -ECANCELED && result != -ENODEV)
		loop->result = result;
	loop->stopping = true;
	hd_condition_broadcast(&loop->wake);
	hd_condition_broadcast(&loop->ended);
	hd_mutex_unlock(&loop->lock);
}

/* ---- the threads ---- */

static _Atomic uint32_t *expectation(struct hd_fuse_loop *loop, uint32_t opcode)
{
	return &loop->expected_ns[opcode < KIND_COUNT ? opcode : 0];
}

static void learn(_Atomic uint32_t *expected, uint64_t took_ns)
{
	int64_t mean = atomic_load_explicit(expected, memory_order_relaxed);
	int64_t sample = took_ns < SAMPLE_LIMIT_NS ? (int64_t)took_ns : SAMPLE_LIMIT_NS;

	atomic_store_explicit(expected, (uint32_t)(mean + (sample - mean) / 8), memory_order_relaxed);
}

/* Runs the handler of the message that THREAD has read; true when the thread still leads. */
static bool work(struct hd_fuse_loop *loop, struct hd_fuse_thread *thread, size_t size, uint64_t ticket)
{
	const struct fuse_in_header *header = thread->message;
	_Atomic uint32_t *expected = expectation(loop, header->opcode);
	bool keeps = atomic_load_explicit(expected, memory_order_relaxed) < HANDOVER_NS;
	const uint64_t unique = header->unique;
	const uint32_t opcode = header->opcode; /* the message is gone when it is done */
	uint64_t busy = ticket | 1;
	uint64_t began;

	hd_trace_enter(loop->session, header);
	hd_activity_enter(&thread->activity, header->opcode, header->nodeid, (int32_t)header->pid);
	/* Before another thread reads: what is claimed is not dropped. */
	hd_request_begin(loop->session->overlay, thread->slot, header->unique & ~HD_FUSE_RESENT,
		hd_fuse_is_resent(header));
	thread->inside = hd_fuse_is_resent(header) && hd_request_gate_concerns(header->opcode);
	if (thread->inside)
		hd_request_gate_enter_again(loop->session->gate);
	HD_KILL_POINT(request_begun);
	hd_message_counters_request(loop->session->counters, header->opcode);
	if (keeps) {
		atomic_fetch_add(&loop->sequence, 1);
		atomic_store(&loop->lead, busy);
		if (!atomic_load(&loop->watching))
			begin_watch(loop);
	} else {
		hand_over(loop);
	}
	began = hd_clock_monotonic_ns();
	if (!hd_fuse_refuse_poison(thread))
		hd_fuse_process(thread, size);
	else
		hd_fuse_done(thread);
	hd_activity_leave(&thread->activity);
	began = hd_clock_monotonic_ns() - began;
	learn(expected, began);
	hd_trace_leave(loop->session, opcode, unique, began);
	return keeps && atomic_compare_exchange_strong(&loop->lead, &busy, ticket);
}

/* Reads and works until another thread leads or the loop stops. */
static void lead(struct hd_fuse_loop *loop, struct hd_fuse_thread *thread)
{
	uint64_t ticket = atomic_load(&loop->lead);
	size_t size;
	int r;

	do {
		r = take_message(loop, thread, &size);
		if (r < 0) {
			stop_with(loop, r);
			return;
		}
		HD_KILL_POINT(request_read);
	} while (work(loop, thread, size, ticket));
}

/*
 * What a thread reads into is a megabyte of resident memory, so it has none before it leads for the first time, most mounts
 * never need a second one, and gives it back when it has not led for long. False when there is none to be had now: another thread leads, or this one tries again.
 */
static bool is_equipped(struct hd_fuse_loop *loop, struct hd_fuse_thread **thread)
{
	int r;

	if (*thread) {
		hd_fuse_thread_rouse(*thread);
		return true;
	}
	r = hd_fuse_thread_new(loop->session, thread);
	if (r >= 0) {
		hd_activity_work(&(*thread)->activity);
		return true;
	}
	hd_mutex_lock(&loop->lock);
	loop->led = false;
	hd_condition_signal(&loop->wake);
	hd_mutex_unlock(&loop->lock);
	hd_clock_sleep_ns(READ_PAUSE_NS);
	return false;
}

static void *reader_main(void *payload)
{
	struct hd_fuse_loop *loop = payload;
	struct hd_fuse_thread *thread = NULL;

	hd_mutex_lock(&loop->lock);
	while (await_lead_locked(loop, thread)) {
		hd_mutex_unlock(&loop->lock);
		if (is_equipped(loop, &thread))
			lead(loop, thread);
		hd_mutex_lock(&loop->lock);
		loop->parked++;
	}
	hd_mutex_unlock(&loop->lock);
	hd_activity_work(NULL);
	hd_fuse_thread_free(thread);
	return NULL;
}

/* ---- life ---- */

int hd_fuse_loop_new(struct hd_fuse_session *session, int device, struct hd_fuse_loop **ret_loop)
{
	struct hd_fuse_loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;
	loop->session = session;
	loop->device = -1;
	loop->spin_ns = session->options.spin_us * 1000;
	loop->limit = session->options.readers < 2 ? 2 : (unsigned)session->options.readers;
	if (session->options.single_threaded)
		loop->limit = 1;
	hd_mutex_init(&loop->lock, HD_RANK_SESSION);
	hd_condition_init(&loop->wake);
	hd_condition_init(&loop->ended);
	loop->threads = calloc(loop->limit, sizeof(*loop->threads));
	r = loop->stop_flag = hd_descriptor_flag();
	if (r >= 0 && !loop->threads)
		r = -ENOMEM;
	if (r >= 0)
		r = hd_descriptor_set_blocking(device, false);
	if (r < 0) {
		hd_fuse_loop_free(loop);
		return hd_fail_in(r, "prepare the request loop");
	}
	loop->device = device;
	*ret_loop = loop;
	return 0;
}

void hd_fuse_loop_free(struct hd_fuse_loop *loop)
{
	if (!loop)
		return;
	hd_cleanup_close(&loop->device);
	hd_cleanup_close(&loop->stop_flag);
	hd_condition_destroy(&loop->ended);
	hd_condition_destroy(&loop->wake);
	hd_mutex_destroy(&loop->lock);
	free(loop->threads);
	free(loop);
}

int hd_fuse_loop_device(const struct hd_fuse_loop *loop)
{
	return loop->device;
}

int hd_fuse_loop_run(struct hd_fuse_loop *loop)
{
	unsigned started;
	unsigned i;
	int r;

	hd_mutex_lock(&loop->lock);
	r = ensure_standby_locked(loop);
	while (r >= 0 && !loop->stopping)
		hd_condition_wait(&loop->ended, &loop->lock);
	started = loop->started;
	if (r >= 0)
		r = loop->result;
	hd_mutex_unlock(&loop->lock);
	/* Nobody starts threads once stopping is set. */
	for (i = 0; i < started; i++)
		hd_thread_join(loop->threads[i]);
	return r;
}

void hd_fuse_loop_stop(struct hd_fuse_loop *loop)
{
	hd_descriptor_flag_raise(loop->stop_flag);
	stop_with(loop, -ECANCELED);
}
