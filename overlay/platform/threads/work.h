/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_THREADS_WORK_H
#define HEDDLE_PLATFORM_THREADS_WORK_H

/*
 * Work: what an operation that may take long does at the moment, how far it is, and whether it is to stop.
 *
 * Who begins an operation makes one and lends it to the thread that does it; loops deep inside say what they did, and
 * learn there that they are to stop. Threads without one (workers of their own accord) always go on.
 *
 *     hd_work_begin → [hd_work_step → hd_work_advance …] … [hd_work_finish] → hd_work_end
 *
 * hd_work_advance is called where nothing is half done and no lock is held: a stopped operation returns
 * -HD_E_INTERRUPTED from there, like any other failure, and has changed nothing. After hd_work_finish it is too late to
 * stop: what follows changes something, and is done whole.
 *
 * In builds with HD_CHECKS a test makes work last: while the file that HEDDLE_WORK_RESTS names holds the text of a step, work
 * rests in that step until it is stopped or the file is gone.
 *
 * Ownership   The caller owns the work; it outlives its end. One per thread at a time.
 * Threads     One thread works; others may read a work and stop it. hd_work_stop may be called by a signal handler.
 */

#include <stdbool.h>
#include <stdint.h>

/* What a person is told, and what the control protocol says: the texts are in the table of work.c. */
enum hd_work_step {
	HD_WORK_BEGINNING,
	HD_WORK_STORING_FILES,
	HD_WORK_COMPARING,
	HD_WORK_WRITING_TO_DISK,
	HD_WORK_WRITING_COMMITS,
	HD_WORK_CHECKING_OBJECTS,
	HD_WORK_CHECKING_STATES,
	HD_WORK_CHECKING_THREADS,
	HD_WORK_CHECKING_DIRECTORIES,
	HD_WORK_WRITING_FILES,
	HD_WORK_READING_FILES,
	HD_WORK_READING_COMMITS,
	HD_WORK_MAKING_STATES,
	HD_WORK_COPYING_OBJECTS,
	HD_WORK_CONVERTING_FILES,
	HD_WORK_STEP_COUNT
};

struct hd_work;

/* Called by the working thread about ten times a second, from hd_work_advance; true stops the work. */
typedef bool (*hd_work_look)(struct hd_work *work, void *payload);

struct hd_work {
	_Atomic int step;             /* enum hd_work_step */
	_Atomic uint64_t done, total; /* of this step; a total of 0 is unknown */
	_Atomic bool stopped;
	bool finished; /* the working thread's, like what follows */
	hd_work_look look;
	void *payload;
	uint64_t next_look_ns;
};

/* From now on WORK is this thread's. LOOK may be NULL. */
void hd_work_begin(struct hd_work *work, hd_work_look look, void *payload);
void hd_work_end(void);

/* This thread's work is at STEP from now on, of which TOTAL pieces are to be done. */
void hd_work_step(enum hd_work_step step, uint64_t total);

/* COUNT more pieces are done; 0 only asks. 0, or -HD_E_INTERRUPTED. */
int hd_work_advance(uint64_t count);

/* The last chance to stop: 0, and what follows cannot be stopped; or -HD_E_INTERRUPTED. */
int hd_work_finish(void);
/* Somebody else finished this thread's work: it is too late to stop. */
void hd_work_was_finished(void);

/* The next hd_work_advance of the thread that does WORK fails, unless that is finished. */
void hd_work_stop(struct hd_work *work);

/* "storing files"; "" for the beginning. */
const char *hd_work_step_text(enum hd_work_step step);
/* The step of that text; the beginning for an unknown one. */
enum hd_work_step hd_work_step_of_text(const char *text);

/*
 * From now on SIGINT, SIGTERM and SIGHUP stop WORK instead of ending the process; the second one ends it. NULL: the first one
 * does again. A process that ignores one of them goes on ignoring it.
 */
void hd_work_stop_at_interrupt(struct hd_work *work);

#endif
