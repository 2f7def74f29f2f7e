/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends and receives the launcher's messages: the fuss of control messages, in
 * one place.
 */
#define _GNU_SOURCE
#include "hv/process/message.h"

#include <errno.h>
#include <string.h>

int message_socketpair(const struct host *host, int sockets[2])
{
	return host->sys->socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets);
}

int message_send(const struct host *host, int socket, const struct monitor_request *request,
		 const int *files, size_t nfiles)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * (MONITOR_SLOTS_MAX + 2))];
	struct iovec part = { .iov_base = (void *)request, .iov_len = sizeof *request };
	struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1 };

	if (nfiles > 0) {
		struct cmsghdr *rights = (struct cmsghdr *)control;
		size_t size = nfiles * sizeof *files;
		memset(control, 0, CMSG_SPACE(size));
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(rights), files, size);
		head.msg_control = control;
		head.msg_controllen = CMSG_SPACE(size);
	}
	while (host->sys->sendmsg(socket, &head, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

/* Waits until SOCKET has something to read. */
static int await_message(const struct host *host, int socket)
{
	struct pollfd entry = { .fd = socket, .events = POLLIN };
	int rc;

	do
		rc = host->sys->poll(&entry, 1, MESSAGE_TIMEOUT_MS);
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		errno = ETIMEDOUT;
	return rc > 0 ? 0 : -1;
}

int message_receive(const struct host *host, int socket, struct monitor_reply *reply, int *files,
		    size_t nfiles)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 4)] = { 0 };
	struct cmsghdr *rights = (struct cmsghdr *)control;
	struct iovec part = { .iov_base = reply, .iov_len = sizeof *reply };
	struct msghdr head = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control,
	};
	ssize_t got;

	for (size_t i = 0; i < nfiles; i++)
		files[i] = -1;
	if (await_message(host, socket) < 0)
		return -1;
	do
		got = host->sys->recvmsg(socket, &head, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	if (got != (ssize_t)sizeof *reply) {
		errno = EPIPE;
		return -1;
	}
	/* Fewer than were sent, when this process has no descriptors left. */
	if (nfiles > 0 && head.msg_controllen > CMSG_LEN(0))
		memcpy(files, CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
	return 0;
}
