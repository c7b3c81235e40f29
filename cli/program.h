/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_PROGRAM_H
#define HEDDLE_CLI_PROGRAM_H

/*
 * Program: what main does in heddle and in heddle-archive, which are one program with other libraries.
 *
 * Threads     The main thread. Errors: reported.
 */

/* Runs the command that the arguments name; the exit status. */
int hd_program_run(int argc, char **argv);

#endif
