/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments/agent_facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/utf8.h"

static const struct {
	const char *variable, *key;
} agent_facts[] = {
	{"HEDDLE_PROVIDER", "provider"},
	{"HEDDLE_MODEL", "model"},
	{"HEDDLE_SESSION", "session"},
	{"HEDDLE_TOOL_CALL", "tool-call"},
};

int hd_agent_facts_add(json_t *facts)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(agent_facts); i++) {
		const char *text = getenv(agent_facts[i].variable);

		if (!text || !*text || json_object_get(facts, agent_facts[i].key))
			continue;
		if (!hd_utf8_is_valid(text, strlen(text)))
			return hd_fail(HD_E_USAGE, "%s is not UTF-8", agent_facts[i].variable);
		if (json_object_set_new(facts, agent_facts[i].key, json_string(text)) < 0)
			return -ENOMEM;
	}
	return 0;
}
