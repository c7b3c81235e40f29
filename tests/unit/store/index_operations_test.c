/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/index/index_operations.h"

#include "tests/unit/store/scratch_store.h"

/* What moves threads and tags, what the log says of it, and what is refused. */

static struct hd_state_id publish(struct hd_index *index, const char *message)
{
	struct hd_state state = {.message = strdup(message), .author = strdup("A <a@b>"), .root_mode = 0755};
	struct hd_state_id id;

	assert_success(hd_index_publish(index, &state, NULL, NULL));
	id = state.id;
	hd_state_clear(&state);
	return id;
}

/* Moves "main" on by a capture. */
static struct hd_state_id capture(struct hd_index *index, const char *message, const struct hd_state_id *head)
{
	struct hd_state state = {.message = strdup(message), .author = strdup("A <a@b>"), .root_mode = 0755};
	struct hd_state_id id;

	assert_success(hd_index_publish(index, &state, "main", head));
	id = state.id;
	hd_state_clear(&state);
	return id;
}

static struct hd_operation begin(struct hd_index *index, enum hd_operation_kind kind, const char *thread)
{
	struct hd_operation operation = {.kind = kind};
	struct hd_thread record;

	assert_success(hd_index_get_thread(index, thread, &record));
	assert_success(hd_operation_side_of(&record, &operation.before));
	assert_success(hd_operation_side_of(&record, &operation.after));
	hd_thread_clear(&record);
	return operation;
}

static void a_capture_is_logged_with_both_heads(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id first = publish(index, "first"), second;
	struct hd_operation operation;

	assert_success(hd_index_create_thread(index, "main", &first));
	second = capture(index, "second", &first);
	assert_success(hd_index_get_operation(index, 2, &operation));
	assert_int_equal(operation.kind, HD_OPERATION_CAPTURE);
	assert_string_equal(operation.actor, "A <a@b>");
	assert_true(operation.time_s > 0);
	assert_string_equal(operation.before.name, "main");
	assert_true(hd_state_id_equal(&operation.before.head, &first));
	assert_true(hd_state_id_equal(&operation.after.head, &second));
	assert_true(hd_state_id_equal(&operation.after.base, &first));
	assert_int_equal(operation.before.overlay, operation.after.overlay);
	hd_operation_clear(&operation);
	assert_code(hd_index_get_operation(index, 3, &operation), HD_E_OPERATION_MISSING);
}

static void a_thread_gets_a_directory_that_nobody_had(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id first = publish(index, "first"), other = publish(index, "other");
	struct hd_operation operation;
	struct hd_thread thread;

	assert_success(hd_index_create_thread(index, "main", &first));
	assert_success(hd_index_create_thread(index, "side", &first));
	operation = begin(index, HD_OPERATION_RESTORE, "main");
	operation.after.overlay = 0;
	operation.after.tree = other;
	assert_success(hd_index_change(index, &operation));
	assert_int_equal(operation.after.overlay, 3);
	hd_operation_clear(&operation);
	assert_success(hd_index_get_thread(index, "main", &thread));
	assert_int_equal(thread.number, 3);
	assert_true(hd_state_id_equal(&thread.head, &first));
	assert_true(hd_state_id_equal(&thread.tree, &other));
	hd_thread_clear(&thread);

	/* Numbers of what is gone are not given again. */
	operation = begin(index, HD_OPERATION_DROP, "main");
	hd_operation_side_clear(&operation.after);
	assert_success(hd_index_change(index, &operation));
	assert_code(hd_index_get_thread(index, "main", &thread), HD_E_THREAD_MISSING);
	hd_operation_clear(&operation);
	assert_success(hd_index_create_thread(index, "main", &first));
	assert_success(hd_index_get_thread(index, "main", &thread));
	assert_int_equal(thread.number, 4);
	hd_thread_clear(&thread);
}

static uint64_t last_number(struct hd_index *index)
{
	uint64_t number = 1;
	struct hd_operation operation;

	while (hd_index_get_operation(index, number, &operation) == 0) {
		hd_operation_clear(&operation);
		number++;
	}
	return number - 1;
}

static void what_expects_something_else_changes_nothing(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id first = publish(index, "first");
	struct hd_operation late, operation;
	struct hd_thread thread;

	assert_success(hd_index_create_thread(index, "main", &first));
	assert_success(hd_index_create_thread(index, "side", &first));
	late = begin(index, HD_OPERATION_DROP, "main");
	hd_operation_side_clear(&late.after);
	(void)capture(index, "second", &first);
	assert_code(hd_index_change(index, &late), HD_E_THREAD_MOVED);
	hd_operation_clear(&late);

	operation = begin(index, HD_OPERATION_RENAME, "main");
	free(operation.after.name);
	operation.after.name = strdup("side");
	assert_code(hd_index_change(index, &operation), HD_E_THREAD_EXISTS);
	free(operation.after.name);
	operation.after.name = strdup("a/b");
	assert_code(hd_index_change(index, &operation), HD_E_NAME_INVALID);
	free(operation.after.name);
	operation.after.name = strdup("other");
	operation.after.head = (struct hd_state_id){{9}};
	assert_code(hd_index_change(index, &operation), HD_E_STATE_MISSING);
	hd_operation_clear(&operation);
	assert_int_equal(last_number(index), 3);
	assert_success(hd_index_get_thread(index, "main", &thread));
	assert_int_equal(thread.number, 1);
	hd_thread_clear(&thread);
}

static int tag(struct hd_index *index, const char *name, const struct hd_state_id *from,
	const struct hd_state_id *to)
{
	struct hd_operation operation = {.kind = HD_OPERATION_TAG, .is_tag = true};
	int r;

	if (from)
		operation.before = (struct hd_operation_side){.name = strdup(name), .head = *from};
	if (to)
		operation.after = (struct hd_operation_side){.name = strdup(name), .head = *to};
	r = hd_index_change(index, &operation);
	hd_operation_clear(&operation);
	return r;
}

static int collect_tag(const struct hd_tag *one, void *payload)
{
	strcat(payload, one->name);
	strcat(payload, " ");
	return 0;
}

static void tags_are_set_moved_and_deleted(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id first = publish(index, "first"), other = publish(index, "other"), nowhere = {{9}},
			   found;
	char names[64] = "";

	assert_success(tag(index, "v2", NULL, &first));
	assert_success(tag(index, "v1", NULL, &first));
	assert_code(tag(index, "v1", NULL, &other), HD_E_TAG_EXISTS);
	assert_code(tag(index, "v1", &other, &first), HD_E_OPERATION_BLOCKED);
	assert_code(tag(index, "v3", NULL, &nowhere), HD_E_STATE_MISSING);
	assert_code(tag(index, "v:3", NULL, &first), HD_E_NAME_INVALID);
	assert_code(tag(index, "v3~1", NULL, &first), HD_E_NAME_INVALID);
	assert_success(tag(index, "v1", &first, &other));
	assert_success(hd_index_get_tag(index, "v1", &found));
	assert_true(hd_state_id_equal(&found, &other));
	assert_success(hd_index_list_tags(index, collect_tag, names));
	assert_string_equal(names, "v1 v2 ");
	assert_success(tag(index, "v1", &other, NULL));
	assert_code(hd_index_get_tag(index, "v1", &found), HD_E_TAG_MISSING);
	assert_code(tag(index, "v1", &other, NULL), HD_E_TAG_MISSING);
	assert_int_equal(last_number(index), 4);
}

/* Logs that operation TARGET was undone, or done again, without moving anything. */
static int take_back(struct hd_index *index, enum hd_operation_kind kind, uint64_t target)
{
	struct hd_operation operation = begin(index, kind, "main");
	int r;

	operation.target = target;
	r = hd_index_change(index, &operation);
	hd_operation_clear(&operation);
	return r;
}

static void undone_operations_are_found_in_the_order_of_a_stack(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id first = publish(index, "first"), second;
	uint64_t number = 0;

	assert_success(hd_index_create_thread(index, "main", &first));
	second = capture(index, "second", &first);
	(void)capture(index, "third", &second);
	assert_success(tag(index, "v1", NULL, &first));
	assert_success(hd_index_find_undoable(index, NULL, &number));
	assert_int_equal(number, 4);
	assert_success(hd_index_find_undoable(index, "main", &number));
	assert_int_equal(number, 3);
	assert_code(hd_index_find_undoable(index, "gone", &number), HD_E_OPERATION_MISSING);
	assert_code(hd_index_find_redoable(index, "main", &number), HD_E_OPERATION_MISSING);

	assert_success(take_back(index, HD_OPERATION_UNDO, 3));
	assert_code(take_back(index, HD_OPERATION_UNDO, 3), HD_E_OPERATION_BLOCKED);
	assert_success(hd_index_find_undoable(index, "main", &number));
	assert_int_equal(number, 2);
	assert_success(take_back(index, HD_OPERATION_UNDO, 2));
	assert_success(hd_index_find_redoable(index, "main", &number));
	assert_int_equal(number, 2);
	assert_success(take_back(index, HD_OPERATION_REDO, 2));
	assert_code(take_back(index, HD_OPERATION_REDO, 2), HD_E_OPERATION_BLOCKED);
	assert_success(hd_index_find_redoable(index, "main", &number));
	assert_int_equal(number, 3);
}

static int collect_number(const struct hd_operation *operation, void *payload)
{
	char text[8];

	snprintf(text, sizeof(text), "%llu ", (unsigned long long)operation->number);
	strcat(payload, text);
	return 0;
}

static void the_log_is_newest_first_and_can_be_of_one_thread(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id first = publish(index, "first");
	char all[64] = "", side[64] = "", two[64] = "";
	struct hd_operation rename;

	assert_success(hd_index_create_thread(index, "main", &first));
	assert_success(hd_index_create_thread(index, "side", &first));
	rename = begin(index, HD_OPERATION_RENAME, "side");
	free(rename.after.name);
	rename.after.name = strdup("aside");
	assert_success(hd_index_change(index, &rename));
	hd_operation_clear(&rename);
	assert_success(hd_index_list_operations(index, NULL, 0, collect_number, all));
	assert_string_equal(all, "3 2 1 ");
	assert_success(hd_index_list_operations(index, "side", 0, collect_number, side));
	assert_string_equal(side, "3 2 ");
	assert_success(hd_index_list_operations(index, NULL, 2, collect_number, two));
	assert_string_equal(two, "3 2 ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_capture_is_logged_with_both_heads),
		TEST(a_thread_gets_a_directory_that_nobody_had),
		TEST(what_expects_something_else_changes_nothing),
		TEST(tags_are_set_moved_and_deleted),
		TEST(undone_operations_are_found_in_the_order_of_a_stack),
		TEST(the_log_is_newest_first_and_can_be_of_one_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
