/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "mount/witness/witness.h"
#include "overlay/platform/processes/process.h"

/* The witness without a mount: what it says of changes, of processes that end, and when there is no room. */

static int setup(void **state)
{
	struct hd_witness *witness;

	assert_int_equal(hd_witness_new(&witness), 0);
	*state = witness;
	return 0;
}

/* No change is held, so that thousands of processes take no thousands of switches of threads. */
static int setup_hasty(void **state)
{
	const char *wish = getenv("HEDDLE_DEBUG_WITNESS_MS");
	char *before = wish ? strdup(wish) : NULL;
	int r;

	setenv("HEDDLE_DEBUG_WITNESS_MS", "0", 1);
	r = setup(state);
	unsetenv("HEDDLE_DEBUG_WITNESS_MS");
	if (before)
		setenv("HEDDLE_DEBUG_WITNESS_MS", before, 1);
	free(before);
	return r;
}

static int teardown(void **state)
{
	hd_witness_free(*state);
	return 0;
}

/* An exec that has succeeded shows no environment for a moment still. */
static void await_environment(pid_t pid)
{
	char path[64], byte;
	FILE *file;
	size_t count = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	while (count == 0) {
		file = fopen(path, "r");
		assert_non_null(file);
		count = fread(&byte, 1, 1, file);
		(void)fclose(file);
	}
}

static pid_t start_sleeper(void)
{
	char *const arguments[] = {(char[]){"sleep"}, (char[]){"600"}, NULL};
	char *const environment[] = {
		(char[]){"HEDDLE_ACTOR=agent\n7"}, (char[]){"HEDDLE_TOOL_CALL=call"}, NULL};
	pid_t pid;

	assert_int_equal(hd_process_spawn_with("/bin/sleep", arguments, environment, NULL, 0, true, &pid), 0);
	await_environment(pid);
	return pid;
}

static void end(pid_t pid)
{
	int status;

	assert_int_equal(hd_process_kill(pid, SIGKILL), 0);
	assert_int_equal(hd_process_wait(pid, &status), 0);
}

static void clear(struct hd_provenance_actor *actor)
{
	free(actor->program);
	free(actor->actor);
	free(actor->tool_call);
}

static void who_changed_it_last_is_first(void **state)
{
	struct hd_witness *witness = *state;
	uint32_t numbers[HD_PROVENANCE_LIMIT];
	struct hd_provenance_actor actor;
	pid_t sleeper = start_sleeper();

	hd_witness_note(witness, 5, NULL, 0, getpid());
	hd_witness_note(witness, 5, NULL, 0, sleeper);
	hd_witness_note(witness, 5, "name", 4, getpid());
	hd_witness_settle(witness);
	assert_int_equal(hd_witness_who(witness, 5, NULL, numbers), 2);
	assert_int_equal(hd_witness_actor(witness, numbers[0], &actor), 0);
	assert_int_equal(actor.pid, sleeper);
	assert_non_null(strstr(actor.program, "/sleep"));
	assert_string_equal(actor.actor, "agent 7");
	assert_string_equal(actor.tool_call, "call");
	clear(&actor);
	hd_witness_note(witness, 5, NULL, 0, getpid());
	assert_int_equal(hd_witness_who(witness, 5, NULL, numbers), 2);
	assert_int_equal(hd_witness_actor(witness, numbers[0], &actor), 0);
	assert_int_equal(actor.pid, getpid());
	clear(&actor);
	assert_int_equal(hd_witness_who(witness, 5, "name", numbers), 1);
	assert_int_equal(hd_witness_who(witness, 5, "other", numbers), 0);
	assert_int_equal(hd_witness_who(witness, 6, NULL, numbers), 0);
	end(sleeper);
}

static void an_ended_process_is_known_by_what_was_seen(void **state)
{
	struct hd_witness *witness = *state;
	uint32_t numbers[HD_PROVENANCE_LIMIT];
	struct hd_provenance_actor actor;
	pid_t sleeper = start_sleeper();

	hd_witness_note(witness, 1, NULL, 0, sleeper);
	hd_witness_settle(witness);
	end(sleeper);
	hd_witness_note(witness, 2, NULL, 0, sleeper);
	hd_witness_settle(witness);
	assert_int_equal(hd_witness_who(witness, 1, NULL, numbers), 1);
	assert_int_equal(hd_witness_actor(witness, numbers[0], &actor), 0);
	assert_string_equal(actor.tool_call, "call");
	clear(&actor);
}

static void one_that_was_never_seen_is_a_number(void **state)
{
	struct hd_witness *witness = *state;
	uint32_t numbers[HD_PROVENANCE_LIMIT];
	struct hd_provenance_actor actor;
	pid_t sleeper = start_sleeper();

	end(sleeper);
	hd_witness_note(witness, 1, NULL, 0, sleeper);
	hd_witness_settle(witness);
	assert_int_equal(hd_witness_who(witness, 1, NULL, numbers), 1);
	assert_int_equal(hd_witness_actor(witness, numbers[0], &actor), 0);
	assert_int_equal(actor.pid, sleeper);
	assert_string_equal(actor.program, "");
	assert_string_equal(actor.actor, "");
	clear(&actor);
}

static void the_kernel_writes_for_who_wrote_or_opened(void **state)
{
	struct hd_witness *witness = *state;
	uint32_t numbers[HD_PROVENANCE_LIMIT], again[HD_PROVENANCE_LIMIT];

	hd_witness_note(witness, 1, NULL, 0, getpid());
	hd_witness_note(witness, 1, NULL, 0, 0);
	assert_int_equal(hd_witness_who(witness, 1, NULL, numbers), 1);
	hd_witness_note_opened(witness, 2, getpid());
	assert_int_equal(hd_witness_who(witness, 2, NULL, again), 0);
	hd_witness_note(witness, 2, NULL, 0, 0);
	assert_int_equal(hd_witness_who(witness, 2, NULL, again), 1);
	assert_int_equal(numbers[0], again[0]);
	hd_witness_note(witness, 3, NULL, 0, 0);
	assert_int_equal(hd_witness_who(witness, 3, NULL, again), 1);
	assert_int_equal(again[0], 0);
}

static void a_capture_forgets_what_came_before_its_mark(void **state)
{
	struct hd_witness *witness = *state;
	uint32_t numbers[HD_PROVENANCE_LIMIT];
	uint64_t mark;

	hd_witness_note(witness, 1, NULL, 0, getpid());
	hd_witness_note(witness, 2, NULL, 0, getpid());
	hd_witness_note_opened(witness, 3, getpid());
	mark = hd_witness_mark(witness);
	hd_witness_note(witness, 2, NULL, 0, getpid());
	hd_witness_note(witness, 4, NULL, 0, getpid());
	hd_witness_forget(witness, mark);
	assert_int_equal(hd_witness_who(witness, 1, NULL, numbers), 0);
	assert_int_equal(hd_witness_who(witness, 2, NULL, numbers), 1);
	assert_int_equal(hd_witness_who(witness, 4, NULL, numbers), 1);
	hd_witness_note(witness, 3, NULL, 0, 0);
	assert_int_equal(hd_witness_who(witness, 3, NULL, numbers), 1);
	assert_int_not_equal(numbers[0], 0);
}

static void what_exceeds_the_room_is_said(void **state)
{
	struct hd_witness *witness = *state;
	uint32_t numbers[HD_PROVENANCE_LIMIT];

	for (uint32_t ino = 1; ino <= HD_WITNESS_CHANGES; ino++)
		hd_witness_note(witness, ino, NULL, 0, getpid());
	assert_false(hd_witness_is_incomplete(witness));
	hd_witness_note(witness, HD_WITNESS_CHANGES + 1, NULL, 0, getpid());
	assert_true(hd_witness_is_incomplete(witness));
	assert_int_equal(hd_witness_who(witness, HD_WITNESS_CHANGES + 1, NULL, numbers), 0);
	assert_int_equal(hd_witness_who(witness, HD_WITNESS_CHANGES, NULL, numbers), 1);
	hd_witness_forget(witness, hd_witness_mark(witness));
	assert_false(hd_witness_is_incomplete(witness));
	hd_witness_note(witness, 1, NULL, 0, getpid());
	assert_int_equal(hd_witness_who(witness, 1, NULL, numbers), 1);
}

/* Numbers that no process has: each is another that has ended. */
#define NO_PROCESS 0x3fff0000

static void who_changed_nothing_last_makes_room(void **state)
{
	struct hd_witness *witness = *state;
	uint32_t numbers[HD_PROVENANCE_LIMIT];
	struct hd_provenance_actor actor;
	int last = (int)HD_WITNESS_ACTORS + HD_WITNESS_ACTORS / 4;

	for (int i = 0; i <= last; i++) {
		hd_witness_note(witness, 1, NULL, 0, NO_PROCESS + i);
		if (i % 100 == 0)
			hd_witness_settle(witness);
	}
	assert_false(hd_witness_is_incomplete(witness));
	assert_int_equal(hd_witness_who(witness, 1, NULL, numbers), HD_PROVENANCE_LIMIT);
	for (int i = 0; i < HD_PROVENANCE_LIMIT; i++) {
		assert_int_equal(hd_witness_actor(witness, numbers[i], &actor), 0);
		assert_int_equal(actor.pid, NO_PROCESS + last - i);
		clear(&actor);
	}
}

static void processes_exceed_the_room_too(void **state)
{
	struct hd_witness *witness = *state;
	uint32_t numbers[HD_PROVENANCE_LIMIT];

	hd_witness_note(witness, HD_WITNESS_ACTORS + 5, NULL, 0, getpid());
	for (int i = 1; i < (int)HD_WITNESS_ACTORS + 10; i++)
		hd_witness_note(witness, (hd_ino)i, NULL, 0, NO_PROCESS + i);
	assert_true(hd_witness_is_incomplete(witness));
	assert_int_equal(hd_witness_who(witness, 5, NULL, numbers), 1);
	/* Neither the kernel nor who changed it before did that. */
	assert_int_equal(hd_witness_who(witness, HD_WITNESS_ACTORS + 5, NULL, numbers), 0);
	hd_witness_forget(witness, hd_witness_mark(witness));
	hd_witness_note(witness, 2, NULL, 0, getpid());
	assert_int_equal(hd_witness_who(witness, 2, NULL, numbers), 1);
	assert_int_not_equal(numbers[0], 0);
}

static void who_closed_it_writes_nothing_any_more(void **state)
{
	struct hd_witness *witness = *state;
	uint32_t numbers[HD_PROVENANCE_LIMIT];

	hd_witness_note_opened(witness, 1, getpid());
	hd_witness_note_opened(witness, 1, getpid());
	hd_witness_note_released(witness, 1);
	hd_witness_note_released(witness, 2);
	hd_witness_forget(witness, hd_witness_mark(witness));
	hd_witness_note(witness, 1, NULL, 0, 0);
	assert_int_equal(hd_witness_who(witness, 1, NULL, numbers), 1);
	assert_int_not_equal(numbers[0], 0);
	hd_witness_note_released(witness, 1);
	hd_witness_forget(witness, hd_witness_mark(witness));
	hd_witness_note(witness, 1, NULL, 0, 0);
	assert_int_equal(hd_witness_who(witness, 1, NULL, numbers), 1);
	assert_int_equal(numbers[0], 0);
}

static void *note_ten(void *payload)
{
	struct hd_witness *witness = payload;

	for (hd_ino ino = 100; ino < 110; ino++)
		hd_witness_note(witness, ino, NULL, 0, (pid_t)syscall(SYS_gettid));
	return NULL;
}

static void threads_are_their_process(void **state)
{
	struct hd_witness *witness = *state;
	uint32_t numbers[HD_PROVENANCE_LIMIT], first[HD_PROVENANCE_LIMIT];
	pthread_t threads[8];

	hd_witness_note(witness, 1, NULL, 0, getpid());
	hd_witness_settle(witness);
	assert_int_equal(hd_witness_who(witness, 1, NULL, first), 1);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, note_ten, witness), 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	hd_witness_settle(witness);
	for (hd_ino ino = 100; ino < 110; ino++) {
		assert_int_equal(hd_witness_who(witness, ino, NULL, numbers), 1);
		assert_int_equal(numbers[0], first[0]);
	}
}

/* What was replaced is nobody's, and what comes after that is said besides. A process without a number is nobody known either. */
static void what_nobody_saw_is_nobodys(void **state)
{
	struct hd_witness *witness = *state;
	uint32_t numbers[HD_PROVENANCE_LIMIT];

	hd_witness_note(witness, 1, NULL, 0, getpid());
	hd_witness_note(witness, 1, "name", 4, getpid());
	hd_witness_note_replaced(witness, 1, NULL);
	assert_int_equal(hd_witness_who(witness, 1, NULL, numbers), 1);
	assert_int_equal(numbers[0], 0);
	assert_int_equal(hd_witness_who(witness, 1, "name", numbers), 1);
	assert_int_not_equal(numbers[0], 0);
	hd_witness_note(witness, 1, NULL, 0, getpid());
	assert_int_equal(hd_witness_who(witness, 1, NULL, numbers), 2);
	assert_int_not_equal(numbers[0], 0);
	assert_int_equal(numbers[1], 0);

	hd_witness_note(witness, 2, NULL, 0, getpid());
	hd_witness_note(witness, 2, NULL, 0, HD_WITNESS_OUTSIDE);
	assert_int_equal(hd_witness_who(witness, 2, NULL, numbers), 2);
	assert_int_equal(numbers[0], 0);
}

static void one_change_is_forgotten_alone(void **state)
{
	struct hd_witness *witness = *state;
	uint32_t numbers[HD_PROVENANCE_LIMIT];
	uint64_t mark;

	hd_witness_note(witness, 1, NULL, 0, getpid());
	hd_witness_note(witness, 1, "name", 4, getpid());
	hd_witness_note(witness, 2, NULL, 0, getpid());
	mark = hd_witness_mark(witness);
	hd_witness_note(witness, 2, NULL, 0, getpid());
	hd_witness_forget_one(witness, 1, "name", mark);
	hd_witness_forget_one(witness, 2, NULL, mark);
	hd_witness_forget_one(witness, 3, NULL, mark);
	assert_int_equal(hd_witness_who(witness, 1, NULL, numbers), 1);
	assert_int_equal(hd_witness_who(witness, 1, "name", numbers), 0);
	assert_int_equal(hd_witness_who(witness, 2, NULL, numbers), 1);

	hd_witness_miss(witness);
	assert_true(hd_witness_is_incomplete(witness));
	hd_witness_forget(witness, hd_witness_mark(witness));
	assert_false(hd_witness_is_incomplete(witness));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_changed_it_last_is_first, setup, teardown),
		cmocka_unit_test_setup_teardown(an_ended_process_is_known_by_what_was_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_was_never_seen_is_a_number, setup, teardown),
		cmocka_unit_test_setup_teardown(the_kernel_writes_for_who_wrote_or_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(a_capture_forgets_what_came_before_its_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(what_exceeds_the_room_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(who_changed_nothing_last_makes_room, setup_hasty, teardown),
		cmocka_unit_test_setup_teardown(processes_exceed_the_room_too, setup_hasty, teardown),
		cmocka_unit_test_setup_teardown(who_closed_it_writes_nothing_any_more, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_are_their_process, setup, teardown),
		cmocka_unit_test_setup_teardown(what_nobody_saw_is_nobodys, setup, teardown),
		cmocka_unit_test_setup_teardown(one_change_is_forgotten_alone, setup, teardown),
	};

	/* On a busy machine the thread that looks may be late. */
	setenv("HEDDLE_DEBUG_WITNESS_MS", "20000", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
