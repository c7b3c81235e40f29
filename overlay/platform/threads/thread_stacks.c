/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/threads/thread_stacks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/processes/symbol_table.h"

/*
 * One question at a time. It is IDLE, then ASKED of one thread, which makes it ANSWERING and then ANSWERED; who asked
 * gives up only while it is ASKED, so that a late handler finds nothing to do and never writes into an answer that
 * somebody reads. The handler calls nothing but the unwinder of libgcc, which takes no lock on the way
 * (_dl_find_object, glibc 2.35).
 */

#define FRAME_LIMIT 64u
#define PATIENCE_NS 200000000u
#define STEP_NS 500000u
#define SCAN_BYTES ((size_t)32 << 10)
#define PROC_LIMIT ((size_t)64 << 10)

enum { IDLE, ASKED, ANSWERING, ANSWERED };

static struct {
	_Atomic int state;
	_Atomic int thread;
	uintptr_t frames[FRAME_LIMIT];
	unsigned n_frames;
} question;

/* What /proc says of a thread. */
struct place {
	char state;
	char name[32];
	char wait[64];
	long call;       /* of the kernel; -1: none or unknown */
	uintptr_t stack; /* 0: unknown */
};

static _Unwind_Reason_Code keep_frame(struct _Unwind_Context *context, void *payload)
{
	(void)payload;
	if (question.n_frames == FRAME_LIMIT)
		return _URC_END_OF_STACK;
	question.frames[question.n_frames++] = (uintptr_t)_Unwind_GetIP(context);
	return _URC_NO_REASON;
}

static void answer(int number)
{
	int saved = errno;
	int asked = ASKED;

	(void)number;
	if (atomic_load(&question.thread) == (int)gettid() &&
		atomic_compare_exchange_strong(&question.state, &asked, ANSWERING)) {
		question.n_frames = 0;
		(void)_Unwind_Backtrace(keep_frame, NULL);
		atomic_store(&question.state, ANSWERED);
	}
	errno = saved;
}

int hd_thread_stacks_signal(void)
{
	return SIGRTMIN + 6;
}

void hd_thread_stacks_prepare(void)
{
	struct sigaction action = {.sa_handler = answer, .sa_flags = SA_RESTART};

	(void)sigfillset(&action.sa_mask);
	(void)sigaction(hd_thread_stacks_signal(), &action, NULL);
}

/* ---- one thread ---- */

/* A file of /proc about THREAD, without the newline at its end; empty when it cannot be read. */
static void read_about(int thread, const char *name, char *buffer, size_t size)
{
	HD_AUTO_FREE char *text = NULL;
	char path[64];
	size_t length;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/%s", thread, name);
	buffer[0] = '\0';
	if (hd_file_read_whole(AT_FDCWD, path, PROC_LIMIT, &text, &length) < 0)
		return;
	(void)snprintf(buffer, size, "%s", text);
	buffer[strcspn(buffer, "\n")] = '\0';
}

static void look_at(int thread, struct place *place)
{
	char text[512];
	const char *end;

	*place = (struct place){.state = '?', .call = -1};
	read_about(thread, "comm", place->name, sizeof(place->name));
	read_about(thread, "wchan", place->wait, sizeof(place->wait));
	read_about(thread, "stat", text, sizeof(text));
	end = strrchr(text, ')'); /* a name may have parentheses */
	if (end && end[1] == ' ' && end[2])
		place->state = end[2];
	/* "running", "-1 SP PC", or the call's number, six arguments, SP and PC */
	read_about(thread, "syscall", text, sizeof(text));
	place->call = strtol(text, (char **)&end, 10);
	if (end == text)
		place->call = -1;
	else
		for (int i = place->call < 0 ? 6 : 0; i < 7; i++)
			place->stack = strtoul(end, (char **)&end, 16);
}

/* Asks THREAD for its stack; false if it does not answer. */
static bool ask(int thread)
{
	uint64_t deadline = hd_clock_monotonic_ns() + PATIENCE_NS;
	int state = IDLE;

	atomic_store(&question.thread, thread);
	/* Once a handler has not come to its end, nobody is asked any more. */
	if (!atomic_compare_exchange_strong(&question.state, &state, ASKED))
		return false;
	(void)syscall(SYS_tgkill, getpid(), thread, hd_thread_stacks_signal());
	while ((state = atomic_load(&question.state)) != ANSWERED && hd_clock_monotonic_ns() < deadline)
		hd_clock_sleep_ns(STEP_NS);
	if (state == ANSWERED)
		return true;
	state = ASKED;
	(void)atomic_compare_exchange_strong(&question.state, &state, IDLE);
	return false;
}

static void put_frame(
	const struct hd_symbol_table *symbols, uintptr_t address, const char *prefix, struct hd_buffer *text)
{
	char name[256];

	hd_symbol_table_name(symbols, address, name, sizeof(name));
	hd_buffer_printf(text, "    %s%s\n", prefix, name);
}

static void put_answer(const struct hd_symbol_table *symbols, struct hd_buffer *text)
{
	/* The first is the handler's own. */
	for (unsigned i = 1; i < question.n_frames && question.frames[i]; i++)
		put_frame(symbols, question.frames[i], "", text);
	atomic_store(&question.state, IDLE);
}

/* Whether the instruction before ADDRESS, which is in the program, may be a call. */
static bool follows_call(uintptr_t address)
{
#if defined(__x86_64__)
	const unsigned char *code = (const unsigned char *)address;

	if (code[-5] == 0xe8)
		return true;
	for (int length = 2; length <= 7; length++)
		if (code[-length] == 0xff && (code[-length + 1] & 0x38) == 0x10)
			return true;
	return false;
#else
	(void)address;
	return true;
#endif
}

/* Copied by the kernel: the thread may end, and its stack go, at any moment. */
static void scan(const struct hd_symbol_table *symbols, uintptr_t stack, struct hd_buffer *text)
{
	HD_AUTO_FREE uintptr_t *words = malloc(SCAN_BYTES);
	struct iovec to = {words, SCAN_BYTES}, from = {(void *)stack, SCAN_BYTES}; // NOLINT
	ssize_t n = words ? process_vm_readv(getpid(), &to, 1, &from, 1, 0) : -1;
	unsigned found = 0;

	/* A page that is not there ends the transfer, but of one piece nothing at all may come. */
	if (n < 0 && words) {
		from.iov_len = to.iov_len = 4096 - (stack & 4095);
		n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	}
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(*words) && found < FRAME_LIMIT; i++) {
		/* The first bytes of the program are no place to return to. */
		if (words[i] < symbols->program_begin + 16 ||
			!hd_symbol_table_is_program(symbols, words[i]) || !follows_call(words[i]))
			continue;
		put_frame(symbols, words[i], "? ", text);
		found++;
	}
}

/* ---- all of them ---- */

struct writing {
	struct hd_symbol_table symbols;
	struct hd_buffer *text;
	void (*describe)(int thread, struct hd_buffer *text, void *payload);
	void *payload;
};

static int write_thread(const char *name, unsigned char type, void *payload)
{
	struct writing *writing = payload;
	struct hd_buffer *text = writing->text;
	int thread = (int)strtol(name, NULL, 10);
	struct place place;

	(void)type;
	if (thread <= 0 || thread == (int)gettid())
		return 0;
	look_at(thread, &place);
	hd_buffer_printf(text, "\nthread %d %s, state %c", thread, place.name, place.state);
	if (place.call >= 0)
		hd_buffer_printf(text, ", in system call %ld", place.call);
	if (place.wait[0] && strcmp(place.wait, "0") != 0)
		hd_buffer_printf(text, " (%s)", place.wait);
	if (writing->describe)
		writing->describe(thread, text, writing->payload);
	hd_buffer_put(text, "\n", 1);
	if ((place.call < 0 || place.call == SYS_futex) && ask(thread)) {
		put_answer(&writing->symbols, text);
		return 0;
	}
	/* One that ran may have come to wait since. */
	look_at(thread, &place);
	if (place.stack)
		scan(&writing->symbols, place.stack, text);
	return 0;
}

void hd_thread_stacks_write(struct hd_buffer *text,
	void (*describe)(int thread, struct hd_buffer *text, void *payload), void *payload)
{
	struct writing writing = {.text = text, .describe = describe, .payload = payload};

	(void)hd_symbol_table_load(&writing.symbols);
	(void)hd_directory_list(AT_FDCWD, "/proc/self/task", write_thread, &writing);
	hd_symbol_table_clear(&writing.symbols);
}
