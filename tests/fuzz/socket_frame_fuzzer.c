/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Frames of the control socket, as a peer of ours may send them that is broken or was taken over.
 *
 * LINK: heddle_platform
 * MUTATIONS: 20000
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "overlay/platform/error_codes.h"
#include "overlay/platform/sockets/socket.h"

/* What a socket takes without a reader. */
#define INPUT_LIMIT 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every frame must be the bytes that stand in the input. Returns how many bytes it took, 0 at the end. */
static size_t receive_one(int fd, const uint8_t *data, size_t left)
{
	char *frame = NULL;
	size_t size = 0;
	int passed_fd = -1;
	int r = hd_socket_receive(fd, 1000, &frame, &size, &passed_fd);

	if (passed_fd != -1)
		abort();
	if (r == -ECONNRESET && left == 0)
		return 0;
	if (r == -HD_E_CONTROL_PROTOCOL && left > 0)
		return 0;
	if (r != 0 || size + 4 > left || memcmp(frame, data + 4, size) != 0 || frame[size] != '\0')
		abort();
	free(frame);
	return size + 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t position = 0, taken;
	int fds[2];

	if (size > INPUT_LIMIT || hd_socket_pair(fds) < 0)
		return 0;
	if (size && send(fds[0], data, size, MSG_NOSIGNAL) != (ssize_t)size)
		abort();
	(void)close(fds[0]);
	do {
		taken = receive_one(fds[1], data + position, size - position);
		position += taken;
	} while (taken);
	(void)close(fds[1]);
	return 0;
}
