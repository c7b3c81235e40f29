/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/store/index/index_operations.h"
#include "overlay/store/index/index_types.h"
#include "tests/unit/store/scratch_store.h"

/*
 * The index: bases, states, threads, publishing, host paths. Also from several threads and
 * processes at once, where exactly one of two publishers of one head may win.
 */

static struct hd_state example_state(const char *message)
{
	struct hd_state state = {
		.tree = {.kind = HD_CONTENT_OBJECT, .length = 20, .bytes = {1, 2, 3}},
		.message = strdup(message),
		.author = strdup("Ada <ada@example.org>"),
		.time_s = -5,
		.time_ns = 999999999,
		.zone_minutes = -210,
		.added = 1,
		.modified = 2,
		.deleted = 3,
		.moved = 4,
		.root_mode = 0755,
	};

	return state;
}

static struct hd_state_id publish_first(struct hd_index *index, const char *thread)
{
	struct hd_state state = example_state("first");
	struct hd_state_id id;

	state.is_base = true;
	assert_success(hd_index_publish(index, &state, NULL, NULL));
	id = state.id;
	assert_success(hd_index_create_thread(index, thread, &id));
	hd_state_clear(&state);
	return id;
}

static void a_state_comes_back_as_it_was_published(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id first = publish_first(index, "main");
	struct hd_state published = example_state("Zweite Zeile\nmit \xff");
	struct hd_state found;

	published.parents = malloc(sizeof(first));
	published.parents[0] = first;
	published.n_parents = 1;
	published.facts = calloc(2, sizeof(*published.facts));
	published.facts[0] = (struct hd_state_fact){strdup("build"), strdup("1")};
	published.facts[1] = (struct hd_state_fact){strdup("test"), strdup("")};
	published.n_facts = 2;
	published.git_commit = strdup("0123456789");
	assert_success(hd_index_publish(index, &published, "main", &first));
	assert_false(hd_state_id_is_zero(&published.id));

	assert_success(hd_index_get_state(index, &published.id, &found));
	assert_true(hd_state_id_equal(&found.id, &published.id));
	assert_true(hd_content_equal(&found.tree, &published.tree));
	assert_true(hd_content_is_none(&found.attributes));
	assert_int_equal(found.n_parents, 1);
	assert_true(hd_state_id_equal(&found.parents[0], &first));
	assert_string_equal(found.message, published.message);
	assert_string_equal(found.author, published.author);
	assert_int_equal(found.time_s, -5);
	assert_int_equal(found.time_ns, 999999999);
	assert_int_equal(found.zone_minutes, -210);
	assert_int_equal(found.n_facts, 2);
	assert_string_equal(found.facts[0].key, "build");
	assert_string_equal(found.facts[1].value, "");
	assert_int_equal(found.added, 1);
	assert_int_equal(found.modified, 2);
	assert_int_equal(found.deleted, 3);
	assert_int_equal(found.moved, 4);
	assert_int_equal(found.root_mode, 0755);
	assert_false(found.is_base);
	assert_string_equal(found.git_commit, "0123456789");
	hd_state_clear(&found);
	hd_state_clear(&published);
}

static void every_field_changes_the_id(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state base = example_state("same");
	struct hd_state_id ids[13];

	assert_success(hd_index_publish(index, &base, NULL, NULL));
	for (size_t i = 0; i < 13; i++) {
		struct hd_state other = example_state(i == 0 ? "other" : "same");

		other.tree.bytes[19] ^= i == 1;
		other.time_s += i == 2;
		other.time_ns -= i == 3;
		other.zone_minutes += i == 4;
		other.added += i == 5;
		other.modified += i == 6;
		other.deleted += i == 7;
		other.moved += i == 8;
		other.root_mode -= i == 9;
		other.is_base = i == 10;
		other.git_commit = i == 11 ? strdup("") : NULL;
		other.author[0] ^= i == 12;
		assert_success(hd_index_publish(index, &other, NULL, NULL));
		ids[i] = other.id;
		assert_false(hd_state_id_equal(&ids[i], &base.id));
		for (size_t j = 0; j < i; j++)
			assert_false(hd_state_id_equal(&ids[i], &ids[j]));
		hd_state_clear(&other);
	}
	hd_state_clear(&base);
}

static void the_same_state_may_be_published_twice(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state a = example_state("twice"), b = example_state("twice");

	assert_success(hd_index_publish(index, &a, NULL, NULL));
	assert_success(hd_index_publish(index, &b, NULL, NULL));
	assert_true(hd_state_id_equal(&a.id, &b.id));
	hd_state_clear(&a);
	hd_state_clear(&b);
}

static void a_state_without_its_parent_is_refused(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state orphan = example_state("orphan");

	orphan.parents = calloc(1, sizeof(*orphan.parents));
	orphan.n_parents = 1;
	assert_code(hd_index_publish(index, &orphan, NULL, NULL), HD_E_STATE_MISSING);
	assert_true(hd_state_id_is_zero(&orphan.id));
	hd_state_clear(&orphan);
}

static void a_moved_thread_refuses_the_state_and_writes_nothing(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id first = publish_first(index, "main");
	struct hd_state second = example_state("second"), third = example_state("third");
	struct hd_state_id missing;
	char text[HD_STATE_ID_TEXT_SIZE];
	struct hd_thread thread;

	assert_success(hd_index_publish(index, &second, "main", &first));
	assert_code(hd_index_publish(index, &third, "main", &first), HD_E_THREAD_MOVED);
	assert_true(hd_state_id_is_zero(&third.id));
	assert_success(hd_index_get_thread(index, "main", &thread));
	assert_true(hd_state_id_equal(&thread.head, &second.id));
	assert_true(hd_state_id_equal(&thread.base, &first));
	hd_thread_clear(&thread);
	assert_code(hd_index_publish(index, &third, "gone", &first), HD_E_THREAD_MISSING);

	/* Nowhere at all: published without a thread, it gets an id that was not there before. */
	assert_success(hd_index_publish(index, &third, NULL, NULL));
	hd_state_id_format(&third.id, text);
	assert_success(hd_index_find_state(index, text, &missing));
	hd_state_clear(&second);
	hd_state_clear(&third);
}

static void a_prefix_finds_one_state_or_says_why_not(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id first = publish_first(index, "main"), found;
	char text[HD_STATE_ID_TEXT_SIZE];

	hd_state_id_format(&first, text);
	for (size_t length = 4; length <= 32; length++) {
		char prefix[HD_STATE_ID_TEXT_SIZE] = {0};

		memcpy(prefix, text, length);
		assert_success(hd_index_find_state(index, prefix, &found));
		assert_true(hd_state_id_equal(&found, &first));
		prefix[length - 1] = prefix[length - 1] == '0' ? '1' : '0';
		assert_code(hd_index_find_state(index, prefix, &found), HD_E_STATE_MISSING);
	}
	text[3] = '\0';
	assert_code(hd_index_find_state(index, text, &found), HD_E_STATE_MISSING);
	assert_code(hd_index_find_state(index, "main", &found), HD_E_STATE_MISSING);
	assert_code(
		hd_index_find_state(index, "00000000000000000000000000000000f", &found), HD_E_STATE_MISSING);
}

static void two_states_of_one_prefix_are_ambiguous(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id found, one_id;
	bool ambiguous = false;

	/* 2000 ids share 4 digits of 65536 somewhere, but for one chance in 10^13. */
	for (int i = 0; i < 2000; i++) {
		char text[HD_STATE_ID_TEXT_SIZE], message[16];
		struct hd_state one;

		snprintf(message, sizeof(message), "%d", i);
		one = example_state(message);
		assert_success(hd_index_publish(index, &one, NULL, NULL));
		one_id = one.id;
		hd_state_id_format(&one_id, text);
		hd_state_clear(&one);
		text[4] = '\0';
		if (hd_index_find_state(index, text, &found) == -HD_E_STATE_AMBIGUOUS) {
			hd_state_id_format(&one_id, text);
			assert_non_null(strstr(hd_error_message(-HD_E_STATE_AMBIGUOUS), text));
			assert_true(hd_index_state_digits(index, &one_id) > 4);
			text[hd_index_state_digits(index, &one_id)] = '\0';
			assert_success(hd_index_find_state(index, text, &found));
			ambiguous = true;
			break;
		}
	}
	assert_true(ambiguous);
}

static int collect_name(const struct hd_thread *thread, void *payload)
{
	strcat(payload, thread->name);
	strcat(payload, " ");
	return strcmp(thread->name, "stop") == 0 ? 7 : 0;
}

static void threads_are_listed_by_name_with_numbers_of_their_own(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id first = publish_first(index, "main");
	struct hd_state_id nowhere = {{9}};
	struct hd_thread a, b;
	char names[64] = "";

	assert_success(hd_index_create_thread(index, "alpha", &first));
	assert_code(hd_index_create_thread(index, "alpha", &first), HD_E_THREAD_EXISTS);
	assert_code(hd_index_create_thread(index, "lost", &nowhere), HD_E_STATE_MISSING);
	assert_success(hd_index_list_threads(index, collect_name, names));
	assert_string_equal(names, "alpha main ");
	assert_success(hd_index_get_thread(index, "alpha", &a));
	assert_success(hd_index_get_thread(index, "main", &b));
	assert_int_not_equal(a.number, b.number);
	assert_int_equal(hd_index_has_thread(index, a.number), 1);
	assert_int_equal(hd_index_has_thread(index, b.number), 1);
	assert_int_equal(hd_index_has_thread(index, a.number + b.number), 0);
	assert_int_equal(hd_index_has_thread(index, UINT32_MAX), 0);
	hd_thread_clear(&a);
	hd_thread_clear(&b);
	assert_code(hd_index_get_thread(index, "Alpha", &a), HD_E_THREAD_MISSING);
	assert_success(hd_index_create_thread(index, "stop", &first));
	assert_success(hd_index_create_thread(index, "zulu", &first));
	names[0] = '\0';
	assert_int_equal(hd_index_list_threads(index, collect_name, names), 7);
	assert_string_equal(names, "alpha main stop ");
}

static void names_that_would_be_trouble_are_refused(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", ".hidden", "-x", "a/b", "a\nb", "\x7f", "a~1", "a:b"};
	char name[202];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_code(hd_thread_name_check(bad[i]), HD_E_NAME_INVALID);
	memset(name, 'n', sizeof(name));
	name[201] = '\0';
	assert_code(hd_thread_name_check(name), HD_E_NAME_INVALID);
	name[200] = '\0';
	assert_success(hd_thread_name_check(name));
	assert_success(hd_thread_name_check("feature-\xc3\xa4 1"));
	assert_code(hd_thread_name_check("feature-\xe4"), HD_E_NAME_INVALID);
}

static void a_base_keeps_its_number(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_base_record record;
	uint16_t a = 0, b = 0, again = 0;

	assert_success(hd_index_add_base(index, HD_BASE_GIT, "/x/.git", &a));
	assert_success(hd_index_add_base(index, HD_BASE_DIRECTORY, "/x/.git", &b));
	assert_success(hd_index_add_base(index, HD_BASE_GIT, "/x/.git", &again));
	assert_int_equal(a, 1);
	assert_int_equal(b, 2);
	assert_int_equal(again, a);
	assert_success(hd_index_get_base(index, b, &record));
	assert_int_equal(record.kind, HD_BASE_DIRECTORY);
	assert_string_equal(record.location, "/x/.git");
	hd_base_record_clear(&record);
	assert_code(hd_index_get_base(index, 3, &record), HD_E_BASE_MISSING);
}

static void host_paths_survive_only_once_persisted(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *other = NULL;
	uint8_t a[20], b[20], again[20];
	char *path = NULL;

	assert_success(hd_index_host_path_id(scratch->store->index, 1, "dir/file", a));
	assert_success(hd_index_host_path_id(scratch->store->index, 2, "dir/file", again));
	assert_success(hd_index_host_path_id(scratch->store->index, 1, "dir/file2", b));
	assert_memory_not_equal(a, b, 20);
	assert_success(hd_index_host_path(scratch->store->index, 1, a, &path));
	assert_string_equal(path, "dir/file");
	free(path);

	assert_success(hd_store_open(scratch->path, &other));
	assert_code(hd_index_host_path(other->index, 1, a, &path), HD_E_BASE_OBJECT);
	assert_success(hd_index_persist_host_paths(scratch->store->index));
	assert_success(hd_index_persist_host_paths(scratch->store->index));
	assert_success(hd_index_host_path(other->index, 1, b, &path));
	assert_string_equal(path, "dir/file2");
	free(path);
	assert_success(hd_index_host_path_id(other->index, 1, "dir/file", again));
	assert_memory_equal(a, again, 20);
	assert_success(hd_index_persist_host_paths(other->index));
	hd_store_free(other);
}

/* Makes the database hold what no call would write. */
static void tamper(struct hd_index *index, const char *sql)
{
	assert_int_equal(sqlite3_exec(index->database, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void host_paths_of_one_hash_get_numbers(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *other = NULL;
	uint8_t first[20], second[20];
	char *path = NULL;

	assert_success(hd_index_host_path_id(scratch->store->index, 1, "collides", first));
	assert_success(hd_index_persist_host_paths(scratch->store->index));
	tamper(scratch->store->index, "UPDATE host_path SET path = 'with this'");
	assert_success(hd_store_open(scratch->path, &other));
	assert_success(hd_index_host_path_id(other->index, 1, "collides", second));
	assert_memory_equal(first, second, 16);
	assert_int_equal(first[16], 0);
	assert_int_equal(second[16], 1);
	assert_success(hd_index_persist_host_paths(other->index));
	/* It has not that hash in truth, so it is never given out. */
	assert_code(hd_index_host_path(other->index, 1, first, &path), HD_E_STORE_CORRUPT);
	assert_success(hd_index_host_path(other->index, 1, second, &path));
	assert_string_equal(path, "collides");
	free(path);
	hd_store_free(other);
}

static void a_host_path_that_lost_its_number_to_another_is_not_persisted(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *other = NULL;
	uint8_t id[20];

	assert_success(hd_store_open(scratch->path, &other));
	assert_success(hd_index_host_path_id(scratch->store->index, 1, "collides", id));
	assert_success(hd_index_host_path_id(other->index, 1, "collides", id));
	assert_success(hd_index_persist_host_paths(other->index));
	tamper(other->index, "UPDATE host_path SET path = 'with this'");
	assert_code(hd_index_persist_host_paths(scratch->store->index), HD_E_STORE_CORRUPT);
	hd_store_free(other);
}

static void a_changed_record_is_found_out(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id first = publish_first(index, "main");
	struct hd_state same = example_state("first"), found;

	/* Another version of the root's mode: a record that decodes, under an id that is not its own. */
	tamper(index, "UPDATE state SET record ="
		      " CAST(substr(record, 1, 8) || x'ff01' || substr(record, 11) AS BLOB)");
	assert_code(hd_index_get_state(index, &first, &found), HD_E_STORE_CORRUPT);
	same.is_base = true;
	assert_code(hd_index_publish(index, &same, NULL, NULL), HD_E_STORE_CORRUPT);
	hd_state_clear(&same);
}

static void an_index_of_another_version_is_refused(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *other = NULL;

	tamper(scratch->store->index, "PRAGMA user_version = 1");
	assert_code(hd_store_open(scratch->path, &other), HD_E_STORE_VERSION);
	tamper(scratch->store->index, "PRAGMA user_version = 7; PRAGMA application_id = 1");
	assert_code(hd_store_open(scratch->path, &other), HD_E_STORE_CORRUPT);
}

static void many_host_paths_are_all_kept(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *other = NULL;
	uint8_t id[20];

	for (int i = 0; i < 70000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "path/%d", i);
		assert_success(hd_index_host_path_id(scratch->store->index, 1, name, id));
		if (i % 10000 == 0)
			assert_success(hd_index_persist_host_paths(scratch->store->index));
	}
	assert_success(hd_index_persist_host_paths(scratch->store->index));
	assert_success(hd_store_open(scratch->path, &other));
	for (int i = 0; i < 70000; i += 7) {
		char name[32], *path = NULL;

		snprintf(name, sizeof(name), "path/%d", i);
		assert_success(hd_index_host_path_id(scratch->store->index, 1, name, id));
		assert_success(hd_index_host_path(other->index, 1, id, &path));
		assert_string_equal(path, name);
		free(path);
	}
	hd_store_free(other);
}

static void a_publication_that_runs_out_of_room_changes_nothing(void **state)
{
	struct scratch *scratch = *state;
	struct hd_index *index = scratch->store->index;
	struct hd_state_id head = publish_first(index, "main");
	char *message = malloc(100001);
	struct hd_store *again = NULL;
	struct hd_thread thread;
	struct hd_state second;
	int failures = 0, r = -1;

	memset(message, 'm', 100000);
	message[100000] = '\0';
	second = example_state(message);
	/* The index's log has some 60 kB by now and needs room for the message: every limit stops another page. */
	for (rlim_t limit = 4096; r < 0 && limit < (1 << 20); limit += 8192) {
		limit_file_size(limit);
		r = hd_index_publish(index, &second, "main", &head);
		limit_file_size(RLIM_INFINITY);
		if (r < 0) {
			failures++;
			assert_true(hd_state_id_is_zero(&second.id));
			assert_success(hd_index_get_thread(index, "main", &thread));
			assert_true(hd_state_id_equal(&thread.head, &head));
			hd_thread_clear(&thread);
		}
	}
	assert_success(r);
	assert_true(failures > 3);
	assert_success(hd_store_open(scratch->path, &again));
	assert_success(hd_index_get_thread(again->index, "main", &thread));
	assert_true(hd_state_id_equal(&thread.head, &second.id));
	hd_thread_clear(&thread);
	hd_store_free(again);
	hd_state_clear(&second);
	free(message);
}

struct publisher {
	struct hd_index *index;
	const struct hd_state_id *expected;
	int number;
	int result;
};

static void *publish_numbered(void *payload)
{
	struct publisher *publisher = payload;
	char message[32];
	struct hd_state state;

	snprintf(message, sizeof(message), "by %d", publisher->number);
	state = example_state(message);
	publisher->result = hd_index_publish(publisher->index, &state, "main", publisher->expected);
	hd_state_clear(&state);
	return NULL;
}

static void of_concurrent_publishers_exactly_one_wins(void **state)
{
	enum { ROUNDS = 10, PUBLISHERS = 4 };
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id head = publish_first(index, "main");

	for (int round = 0; round < ROUNDS; round++) {
		struct publisher publishers[PUBLISHERS];
		pthread_t threads[PUBLISHERS];
		struct hd_thread thread;
		int winners = 0;

		for (int i = 0; i < PUBLISHERS; i++) {
			publishers[i] = (struct publisher){index, &head, round * 100 + i, 1};
			assert_int_equal(
				pthread_create(&threads[i], NULL, publish_numbered, &publishers[i]), 0);
		}
		for (int i = 0; i < PUBLISHERS; i++) {
			pthread_join(threads[i], NULL);
			if (publishers[i].result != 0)
				assert_code(publishers[i].result, HD_E_THREAD_MOVED);
			winners += publishers[i].result == 0;
		}
		assert_int_equal(winners, 1);
		assert_success(hd_index_get_thread(index, "main", &thread));
		assert_false(hd_state_id_equal(&thread.head, &head));
		head = thread.head;
		hd_thread_clear(&thread);
	}
}

static int publish_in_child(const char *path, const struct hd_state_id *expected, int number)
{
	struct publisher publisher = {NULL, expected, number, 1};
	struct hd_store *store = NULL;

	if (hd_store_open(path, &store) < 0)
		return 2;
	publisher.index = store->index;
	publish_numbered(&publisher);
	hd_store_free(store);
	if (publisher.result == 0)
		return 0;
	return publisher.result == -HD_E_THREAD_MOVED ? 1 : 3;
}

static void of_concurrent_processes_exactly_one_wins(void **state)
{
	enum { CHILDREN = 4 };
	struct scratch *scratch = *state;
	struct hd_state_id head = publish_first(scratch->store->index, "main");
	pid_t children[CHILDREN];
	int winners = 0;

	/* SQLite's connections must not cross a fork. */
	hd_store_free(scratch->store);
	scratch->store = NULL;
	for (int i = 0; i < CHILDREN; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(publish_in_child(scratch->path, &head, i));
	}
	for (int i = 0; i < CHILDREN; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		winners += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(winners, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_state_comes_back_as_it_was_published),
		TEST(every_field_changes_the_id),
		TEST(the_same_state_may_be_published_twice),
		TEST(a_state_without_its_parent_is_refused),
		TEST(a_moved_thread_refuses_the_state_and_writes_nothing),
		TEST(a_prefix_finds_one_state_or_says_why_not),
		TEST(two_states_of_one_prefix_are_ambiguous),
		TEST(threads_are_listed_by_name_with_numbers_of_their_own),
		cmocka_unit_test(names_that_would_be_trouble_are_refused),
		TEST(a_base_keeps_its_number),
		TEST(host_paths_survive_only_once_persisted),
		TEST(host_paths_of_one_hash_get_numbers),
		TEST(a_host_path_that_lost_its_number_to_another_is_not_persisted),
		TEST(a_changed_record_is_found_out),
		TEST(an_index_of_another_version_is_refused),
		TEST(many_host_paths_are_all_kept),
		TEST(a_publication_that_runs_out_of_room_changes_nothing),
		TEST(of_concurrent_publishers_exactly_one_wins),
		TEST(of_concurrent_processes_exactly_one_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
