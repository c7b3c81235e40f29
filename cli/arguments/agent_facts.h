/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_ARGUMENTS_AGENT_FACTS_H
#define HEDDLE_CLI_ARGUMENTS_AGENT_FACTS_H

/*
 * Agent facts: what an agent's environment says of who works, which becomes facts of the states that its commands make:
 *
 *     HEDDLE_PROVIDER   provider    whose model it is
 *     HEDDLE_MODEL      model
 *     HEDDLE_SESSION    session     the conversation or job
 *     HEDDLE_TOOL_CALL  tool-call   the step in it
 *
 * Threads     Any, while nobody changes the environment. Errors: -HD_E_USAGE, -ENOMEM.
 */

#include <jansson.h>

/* Adds those that are set, not empty, and not in the object FACTS yet: what was given on the command line goes before. */
int hd_agent_facts_add(json_t *facts);

#endif
