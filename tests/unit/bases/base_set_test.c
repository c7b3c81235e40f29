/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of bases: who serves which content, opening once and again after a failure, and deadlines, the
 * latter with a base that sleeps. The sources themselves: base_git_test.c, base_directory_test.c,
 * base_state_test.c.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/store/tree_codec.h"
#include "tests/unit/bases/place.h"
#include "tests/unit/bases/repository.h"

#define SLOW 5
/* On a machine that has other things to do a thread may have to wait for a second. */
#define DEADLINE_MS 500
#define NAP_MS 3000
#define MILLISECOND 1000000ull

/* ---- a base that answers what it is told, when it is told ---- */

struct fake_log {
	_Atomic unsigned nap_ms;
	_Atomic unsigned n_drips; /* further entries of a listing, each after another nap of drip_ms */
	_Atomic unsigned drip_ms;
	_Atomic int result;
	_Atomic unsigned begun, ended, freed;
};

struct fake_base {
	struct hd_base head;
	struct fake_log *log; /* borrowed: outlives the base */
};

static int nap(struct hd_base *base)
{
	struct fake_log *log = ((struct fake_base *)base)->log;
	int result;

	log->begun++;
	hd_clock_sleep_ns(log->nap_ms * MILLISECOND);
	log->ended++;
	result = log->result;
	return result < 0 ? hd_fail(result, "the fake was told so") : 0;
}

static int fake_list(
	struct hd_base *base, const struct hd_base_directory *directory, hd_base_emit emit, void *payload)
{
	struct hd_base_entry first = {
		.name = "a", .mode = S_IFREG | 0600, .size = 3, .xattrs = "12345", .xattrs_size = 5};
	struct hd_base_entry second = {
		.name = "a longer name", .mode = S_IFDIR | 0700, .content = directory->content};
	struct fake_log *log = ((struct fake_base *)base)->log;
	int r = nap(base);

	if (r == 0)
		r = emit(&first, payload);
	if (r == 0)
		r = emit(&second, payload);
	for (unsigned i = 0; r == 0 && i < log->n_drips; i++) {
		hd_clock_sleep_ns(log->drip_ms * MILLISECOND);
		r = emit(&first, payload);
	}
	return r;
}

static int fake_read(struct hd_base *base, const struct hd_content *file, void *buffer, size_t size,
	uint64_t offset, size_t *ret_size)
{
	int r = nap(base);

	(void)file;
	if (r < 0)
		return r;
	memset(buffer, 'f', size);
	*ret_size = size;
	(void)offset;
	return 0;
}

static int fake_size(struct hd_base *base, const struct hd_content *file, uint64_t *ret_size)
{
	int r = nap(base);

	(void)file;
	if (r == 0)
		*ret_size = 4321;
	return r;
}

static int fake_seek(struct hd_base *base, const struct hd_content *file, uint64_t offset, bool want_data,
	uint64_t *ret_offset)
{
	int r = nap(base);

	(void)file;
	if (r == 0)
		*ret_offset = want_data ? offset + 1 : UINT64_MAX;
	return r;
}

static void fake_free(struct hd_base *base)
{
	((struct fake_base *)base)->log->freed++;
	free(base);
}

static const struct hd_base_operations fake_operations = {
	.name = "fake",
	.list = fake_list,
	.read = fake_read,
	.size = fake_size,
	.seek = fake_seek,
	.free = fake_free,
};

static struct hd_base *fake_new(struct fake_log *log, bool may_stall)
{
	struct fake_base *fake = calloc(1, sizeof(*fake));

	assert_non_null(fake);
	fake->head.operations = &fake_operations;
	fake->head.may_stall = may_stall;
	fake->log = log;
	return &fake->head;
}

/* ---- fixture ---- */

struct fixture {
	char *place;
	struct hd_store *store;
	struct hd_base_set *set;
	struct fake_log log;    /* of the base adopted as SLOW */
	struct fake_log direct; /* of a base that a test adopts itself */
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char *path;

	assert_non_null(fixture);
	fixture->place = place_new();
	path = place_path(fixture->place, ".heddle");
	assert_int_equal(hd_store_create(path, &fixture->store), 0);
	free(path);
	assert_int_equal(hd_base_set_new(fixture->store, DEADLINE_MS, &fixture->set), 0);
	assert_int_equal(hd_base_set_adopt(fixture->set, SLOW, fake_new(&fixture->log, true)), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	hd_base_set_free(fixture->set);
	hd_store_free(fixture->store);
	place_remove(fixture->place);
	free(fixture);
	return 0;
}

static struct hd_content slow_content(void)
{
	return (struct hd_content){.kind = HD_CONTENT_GIT, .length = 20, .base = SLOW};
}

/* A set of its own for tests that need more patience than DEADLINE_MS. */
static struct hd_base_set *patient_set(struct fixture *fixture)
{
	struct hd_base_set *set = NULL;

	assert_int_equal(hd_base_set_new(fixture->store, 20000, &set), 0);
	return set;
}

/* ---- tests ---- */

static void nothing_is_empty(void **state)
{
	struct fixture *fixture = *state;
	struct hd_content none = {0};
	struct hd_base_directory directory = {0};
	struct listing listing = {0};
	uint64_t whole = 9;
	size_t size = 9;
	char byte;

	assert_int_equal(hd_base_set_list(fixture->set, &directory, listing_collect, &listing), 0);
	assert_int_equal(listing.count, 0);
	assert_int_equal(hd_base_set_read(fixture->set, &none, &byte, 1, 0, &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(hd_base_set_size(fixture->set, &none, &whole), 0);
	assert_int_equal(whole, 0);
}

static void contents_of_no_kind_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct hd_content content = {.kind = 200};
	uint64_t size;

	assert_int_equal(hd_base_set_size(fixture->set, &content, &size), -HD_E_CONTENT_KIND);
}

static void a_number_nobody_gave_out_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct hd_base_set *set = patient_set(fixture);
	struct hd_content content = {.kind = HD_CONTENT_GIT, .length = 20, .base = 65535};
	uint64_t size;

	assert_true(hd_base_set_size(set, &content, &size) < 0);
	hd_base_set_free(set);
}

static void objects_come_from_the_store(void **state)
{
	struct fixture *fixture = *state;
	struct hd_content content;
	char buffer[16];
	size_t size;

	assert_int_equal(hd_object_store_put(fixture->store->objects, "stored", 6, &content), 0);
	assert_int_equal(hd_base_set_read(fixture->set, &content, buffer, sizeof(buffer), 2, &size), 0);
	assert_int_equal(size, 4);
	assert_memory_equal(buffer, "ored", 4);
}

static void answers_pass_through_the_threads_whole(void **state)
{
	struct fixture *fixture = *state;
	struct hd_base_directory directory = {.content = slow_content()};
	struct hd_content content = slow_content();
	struct listing listing = {0};
	char buffer[10] = "..........";
	uint64_t whole;
	size_t size;

	assert_int_equal(hd_base_set_list(fixture->set, &directory, listing_collect, &listing), 0);
	assert_int_equal(listing.count, 2);
	assert_int_equal(listing_find(&listing, "a")->size, 3);
	assert_int_equal(listing_find(&listing, "a")->xattrs_size, 5);
	assert_memory_equal(listing_find(&listing, "a")->xattrs, "12345", 5);
	assert_int_equal(listing_find(&listing, "a longer name")->mode, S_IFDIR | 0700);
	assert_null(listing_find(&listing, "a longer name")->xattrs);
	assert_true(hd_content_equal(&listing_find(&listing, "a longer name")->content, &content));
	listing_clear(&listing);
	assert_int_equal(hd_base_set_read(fixture->set, &content, buffer, 4, 0, &size), 0);
	assert_int_equal(size, 4);
	assert_memory_equal(buffer, "ffff......", 10);
	assert_int_equal(hd_base_set_size(fixture->set, &content, &whole), 0);
	assert_int_equal(whole, 4321);
	assert_int_equal(hd_base_set_seek(fixture->set, &content, 17, true, &whole), 0);
	assert_int_equal(whole, 18);
	assert_int_equal(hd_base_set_seek(fixture->set, &content, 17, false, &whole), 0);
	assert_true(whole == UINT64_MAX);
}

static void attributes_beside_a_tree_of_another_source_are_laid_over_its_listing(void **state)
{
	struct fixture *fixture = *state;
	struct hd_base_directory directory = {.content = slow_content(), .fallback_uid = 7};
	struct hd_attribute_entry known = {
		.name = "a", .name_length = 1, .uid = 55, .modify_time = {.tv_sec = 66}};
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct listing listing = {0};

	assert_int_equal(hd_attributes_encode(&known, 1, &bytes), 0);
	assert_int_equal(
		hd_object_store_put(fixture->store->objects, bytes.data, bytes.size, &directory.attributes),
		0);
	assert_int_equal(hd_base_set_list(fixture->set, &directory, listing_collect, &listing), 0);
	assert_int_equal(listing.count, 2);
	assert_int_equal(listing_find(&listing, "a")->uid, 55);
	assert_int_equal(listing_find(&listing, "a")->modify_time.tv_sec, 66);
	assert_int_equal(listing_find(&listing, "a")->xattrs_size, 0);
	assert_int_equal(listing_find(&listing, "a")->size, 3);
	assert_int_equal(listing_find(&listing, "a longer name")->modify_time.tv_sec, 0);
	listing_clear(&listing);
}

static int stop_at_once(const struct hd_base_entry *entry, void *payload)
{
	(void)entry;
	++*(unsigned *)payload;
	return 17;
}

static void a_callback_can_end_the_listing(void **state)
{
	struct fixture *fixture = *state;
	struct hd_base_directory directory = {.content = slow_content()};
	unsigned calls = 0;

	assert_int_equal(hd_base_set_list(fixture->set, &directory, stop_at_once, &calls), 17);
	assert_int_equal(calls, 1);
}

static void a_failure_keeps_its_detail_across_threads(void **state)
{
	struct fixture *fixture = *state;
	struct hd_content content = slow_content();
	uint64_t size;

	fixture->log.result = -HD_E_BASE_OBJECT;
	assert_int_equal(hd_base_set_size(fixture->set, &content, &size), -HD_E_BASE_OBJECT);
	assert_string_equal(hd_error_message(-HD_E_BASE_OBJECT),
		"the fake was told so: the base repository lacks an object");
}

static void a_stalled_base_answers_within_the_deadline_and_hurts_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct hd_content content = slow_content();
	struct hd_content object;
	char buffer[8] = "untouch";
	uint64_t start = hd_clock_monotonic_ns();
	uint64_t elapsed;
	size_t size = 77;

	fixture->log.nap_ms = NAP_MS;
	assert_int_equal(hd_base_set_read(fixture->set, &content, buffer, 7, 0, &size), -HD_E_BASE_TIMEOUT);
	elapsed = hd_clock_monotonic_ns() - start;
	assert_true(elapsed >= DEADLINE_MS * MILLISECOND);
	assert_true(elapsed < (NAP_MS - 100) * MILLISECOND);

	/* Other contents are served while the call still sleeps. */
	assert_int_equal(fixture->log.ended, 0);
	assert_int_equal(hd_object_store_put(fixture->store->objects, "alive", 5, &object), 0);
	assert_int_equal(hd_base_set_read(fixture->set, &object, buffer + 1, 1, 0, &size), 0);
	assert_int_equal(fixture->log.ended, 0);

	/* The late answer goes nowhere near the caller's buffer. */
	while (fixture->log.ended == 0)
		hd_clock_sleep_ns(5 * MILLISECOND);
	hd_clock_sleep_ns(50 * MILLISECOND);
	assert_string_equal(buffer, "uatouch");

	/* And the base works again when the stall is over. */
	fixture->log.nap_ms = 0;
	assert_int_equal(hd_base_set_read(fixture->set, &content, buffer, 7, 0, &size), 0);
	assert_string_equal(buffer, "fffffff");
}

static void a_listing_may_take_long_while_entries_keep_coming(void **state)
{
	struct fixture *fixture = *state;
	struct hd_base_directory directory = {.content = slow_content()};
	uint64_t start = hd_clock_monotonic_ns();
	struct listing listing = {0};

	fixture->log.n_drips = 40;
	fixture->log.drip_ms = DEADLINE_MS / 20;
	assert_int_equal(hd_base_set_list(fixture->set, &directory, listing_collect, &listing), 0);
	assert_int_equal(listing.count, 42);
	assert_true(hd_clock_monotonic_ns() - start > 3 * DEADLINE_MS * MILLISECOND / 2);
	listing_clear(&listing);

	fixture->log.n_drips = 2;
	fixture->log.drip_ms = NAP_MS;
	assert_int_equal(
		hd_base_set_list(fixture->set, &directory, listing_collect, &listing), -HD_E_BASE_TIMEOUT);
	assert_int_equal(listing.count, 0);
}

static void freeing_the_set_waits_for_late_calls(void **state)
{
	struct fixture *fixture = *state;
	struct fake_log log = {.nap_ms = NAP_MS};
	struct hd_base_set *set = NULL;
	struct hd_base_directory directory = {.content = slow_content()};
	struct listing listing = {0};

	assert_int_equal(hd_base_set_new(fixture->store, 20, &set), 0);
	assert_int_equal(hd_base_set_adopt(set, SLOW, fake_new(&log, true)), 0);
	assert_int_equal(hd_base_set_list(set, &directory, listing_collect, &listing), -HD_E_BASE_TIMEOUT);
	assert_int_equal(listing.count, 0);
	assert_int_equal(log.ended, 0);
	hd_base_set_free(set);
	assert_int_equal(log.begun, 1);
	assert_int_equal(log.ended, 1);
	assert_int_equal(log.freed, 1);
}

static void calls_given_up_before_they_began_are_never_made(void **state)
{
	struct fixture *fixture = *state;
	struct fake_log log = {.nap_ms = NAP_MS};
	struct hd_base_set *set = NULL;
	struct hd_content content = slow_content();
	uint64_t size;

	assert_int_equal(hd_base_set_new(fixture->store, 10, &set), 0);
	assert_int_equal(hd_base_set_adopt(set, SLOW, fake_new(&log, true)), 0);
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(hd_base_set_size(set, &content, &size), -HD_E_BASE_TIMEOUT);
	hd_base_set_free(set);
	assert_true(log.begun < 12);
	assert_int_equal(log.begun, log.ended);
}

static void a_base_that_cannot_stall_is_called_directly_without_deadline(void **state)
{
	struct fixture *fixture = *state;
	struct hd_content content = {.kind = HD_CONTENT_HOST, .length = 20, .base = 9};
	uint64_t size;

	fixture->direct.nap_ms = 2 * DEADLINE_MS;
	assert_int_equal(hd_base_set_adopt(fixture->set, 9, fake_new(&fixture->direct, false)), 0);
	assert_int_equal(hd_base_set_size(fixture->set, &content, &size), 0);
	assert_int_equal(size, 4321);
}

static void a_number_is_adopted_once(void **state)
{
	struct fixture *fixture = *state;
	struct fake_log log = {0};
	struct hd_base *second = fake_new(&log, true);

	assert_int_equal(hd_base_set_adopt(fixture->set, SLOW, second), -EEXIST);
	assert_int_equal(log.freed, 0);
	fake_free(second);
}

/* ---- real bases out of the index ---- */

/* A repository NAME in the fixture's place with one file; its tree as content of base NUMBER. */
static struct hd_content make_repository(struct fixture *fixture, const char *name, uint16_t number)
{
	char *place = place_path(fixture->place, name);
	git_repository *repository = repository_new(place);
	struct raw_entry entry = {"100644", "file", repository_add_blob(repository, "bytes", 5)};
	git_oid tree = repository_add_tree(repository, &entry, 1);

	git_repository_free(repository);
	free(place);
	return repository_content(&tree, number);
}

static uint16_t add_git_base(struct fixture *fixture, const char *location)
{
	char *path = place_path(fixture->place, location);
	uint16_t number = 0;

	assert_int_equal(hd_index_add_base(fixture->store->index, HD_BASE_GIT, path, &number), 0);
	free(path);
	return number;
}

static void a_base_that_could_not_be_opened_is_tried_again(void **state)
{
	struct fixture *fixture = *state;
	struct hd_base_set *set = patient_set(fixture);
	uint16_t number = add_git_base(fixture, "late/.git");
	struct hd_base_directory directory = {
		.content = {.kind = HD_CONTENT_GIT, .length = 20, .base = number}};
	struct listing listing = {0};

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			hd_base_set_list(set, &directory, listing_collect, &listing), -HD_E_BASE_MISSING);
		assert_non_null(strstr(hd_error_message(-HD_E_BASE_MISSING), "late/.git"));
	}
	directory.content = make_repository(fixture, "late", number);
	assert_int_equal(hd_base_set_list(set, &directory, listing_collect, &listing), 0);
	assert_non_null(listing_find(&listing, "file"));
	listing_clear(&listing);
	hd_base_set_free(set);
}

struct lister {
	pthread_t thread;
	struct hd_base_set *set;
	struct hd_base_directory directory;
	pthread_barrier_t *start;
	int result;
	size_t count;
};

static int count_entries(const struct hd_base_entry *entry, void *payload)
{
	(void)entry;
	++*(size_t *)payload;
	return 0;
}

static void *list_in_thread(void *payload)
{
	struct lister *lister = payload;

	(void)pthread_barrier_wait(lister->start);
	lister->result = hd_base_set_list(lister->set, &lister->directory, count_entries, &lister->count);
	return NULL;
}

static void threads_that_need_an_unopened_base_all_get_it(void **state)
{
	struct fixture *fixture = *state;
	uint16_t number = add_git_base(fixture, "shared/.git");
	struct hd_content tree = make_repository(fixture, "shared", number);

	for (unsigned round = 0; round < 20; round++) {
		struct hd_base_set *set = patient_set(fixture);
		struct lister listers[4];
		pthread_barrier_t start;

		assert_int_equal(pthread_barrier_init(&start, NULL, 4), 0);
		for (unsigned i = 0; i < 4; i++) {
			listers[i] =
				(struct lister){.set = set, .directory = {.content = tree}, .start = &start};
			assert_int_equal(
				pthread_create(&listers[i].thread, NULL, list_in_thread, &listers[i]), 0);
		}
		for (unsigned i = 0; i < 4; i++) {
			assert_int_equal(pthread_join(listers[i].thread, NULL), 0);
			assert_int_equal(listers[i].result, 0);
			assert_int_equal(listers[i].count, 1);
		}
		(void)pthread_barrier_destroy(&start);
		hd_base_set_free(set);
	}
}

static void the_root_of_a_base_state_has_the_time_of_its_commit(void **state)
{
	struct fixture *fixture = *state;
	struct hd_state record = {
		.tree = slow_content(),
		.time_s = 1234567,
		.time_ns = 89,
		.root_mode = 0750,
		.is_base = true,
	};
	struct hd_base_directory directory;
	struct hd_base_entry entry;

	assert_int_equal(hd_base_set_root(fixture->set, &record, &entry, &directory), 0);
	assert_string_equal(entry.name, "");
	assert_int_equal(entry.mode, S_IFDIR | 0750);
	assert_int_equal(entry.modify_time.tv_sec, 1234567);
	assert_int_equal(entry.birth_time.tv_nsec, 89);
	assert_int_equal(directory.fallback_time.tv_sec, 1234567);
	assert_true(hd_content_equal(&directory.content, &record.tree));
	assert_true(hd_content_equal(&entry.content, &record.tree));
	assert_int_equal(fixture->log.begun, 0);
}

int main(void)
{
#define WITH_SET(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_SET(nothing_is_empty),
		WITH_SET(contents_of_no_kind_are_refused),
		WITH_SET(a_number_nobody_gave_out_is_an_error),
		WITH_SET(objects_come_from_the_store),
		WITH_SET(answers_pass_through_the_threads_whole),
		WITH_SET(attributes_beside_a_tree_of_another_source_are_laid_over_its_listing),
		WITH_SET(a_callback_can_end_the_listing),
		WITH_SET(a_failure_keeps_its_detail_across_threads),
		WITH_SET(a_stalled_base_answers_within_the_deadline_and_hurts_nobody),
		WITH_SET(a_listing_may_take_long_while_entries_keep_coming),
		WITH_SET(freeing_the_set_waits_for_late_calls),
		WITH_SET(calls_given_up_before_they_began_are_never_made),
		WITH_SET(a_base_that_cannot_stall_is_called_directly_without_deadline),
		WITH_SET(a_number_is_adopted_once),
		WITH_SET(a_base_that_could_not_be_opened_is_tried_again),
		WITH_SET(threads_that_need_an_unopened_base_all_get_it),
		WITH_SET(the_root_of_a_base_state_has_the_time_of_its_commit),
	};

	return cmocka_run_group_tests_name("set of bases", tests, NULL, NULL);
}
