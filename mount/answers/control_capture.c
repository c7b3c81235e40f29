/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/answers/control_capture.h"

#include "mount/witness/witness.h"

static uint64_t mark(void *payload)
{
	return hd_witness_mark(payload);
}

static void settle(void *payload)
{
	hd_witness_settle(payload);
}

static unsigned who(void *payload, hd_ino ino, const char *name, uint32_t *ret_numbers)
{
	return hd_witness_who(payload, ino, name, ret_numbers);
}

static int actor(void *payload, uint32_t number, struct hd_provenance_actor *ret_actor)
{
	return hd_witness_actor(payload, number, ret_actor);
}

static bool is_incomplete(void *payload)
{
	return hd_witness_is_incomplete(payload);
}

static void forget(void *payload, uint64_t before)
{
	hd_witness_forget(payload, before);
}

static void forget_one(void *payload, hd_ino ino, const char *name, uint64_t before)
{
	hd_witness_forget_one(payload, ino, name, before);
}

void hd_control_capture_witness(struct hd_witness *witness, struct hd_capture_witness *ret_witness)
{
	*ret_witness = (struct hd_capture_witness){.payload = witness,
		.mark = mark,
		.settle = settle,
		.who = who,
		.actor = actor,
		.is_incomplete = is_incomplete,
		.forget = forget,
		.forget_one = forget_one};
}
