/* Proves that packets travel: a message goes from one network namespace to another, and an answer back. */
#ifndef EXAMPLE_EXCHANGE_H
#define EXAMPLE_EXCHANGE_H

#include <stdint.h>

typedef struct endpoint {
    int netns;           /* a descriptor of the namespace it is in */
    const char *address; /* IPv4, as text */
    uint16_t port;
} endpoint;

/* `kind` is SOCK_STREAM (TCP) or SOCK_DGRAM (UDP). A socket in `client_netns` talks to `dialled`, and the
 * socket that listens at `server` must get it; the two differ when a port mapping is between them. Every
 * wait is bounded. NULL on success, else what failed. */
const char *exchange(int kind, int client_netns, endpoint dialled, endpoint server);

#endif
