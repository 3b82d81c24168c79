/* SPDX-License-Identifier: MIT */
/* The handlers of requests.c (sockets) and requests_host.c (everything else). */
#ifndef SERVICE_REQUESTS_H
#define SERVICE_REQUESTS_H

#include "service/channel.h"

request_handler request_hello, request_open, request_adopt, request_socket, request_source_for, request_interfaces,
    request_resolver, request_status, request_trace, request_change, request_call_note, request_stop;

#endif
