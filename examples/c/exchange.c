#define _GNU_SOURCE
#include "exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netns.h"

enum { TIMEOUT_SECONDS = 5, MESSAGE_SIZE = 32 };

/* A socket belongs to the namespace it was made in, wherever its owner is later. So one thread can hold
 * both ends of a connection between two namespaces. */
static int socket_in(int netns, int kind) {
    int home = netns_current();
    int s = -1;
    if (home >= 0 && netns_enter(netns) == 0) {
        s = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
        if (netns_enter(home)) {
            perror("return from a network namespace");
            _exit(1);
        }
    }
    if (home >= 0) close(home);
    struct timeval limit = {.tv_sec = TIMEOUT_SECONDS};
    if (s >= 0) {
        setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    return s;
}

static struct sockaddr_in socket_address(endpoint e) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(e.port)};
    inet_pton(AF_INET, e.address, &a.sin_addr);
    return a;
}

/* Waits for the client's message and returns the socket to answer on, or -1. */
static int receive(int kind, int listening, char message[MESSAGE_SIZE]) {
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    if (kind == SOCK_STREAM) {
        int accepted = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        struct timeval limit = {.tv_sec = TIMEOUT_SECONDS};
        if (accepted < 0) return -1;
        setsockopt(accepted, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (recv(accepted, message, MESSAGE_SIZE, MSG_WAITALL) == MESSAGE_SIZE) return accepted;
        close(accepted);
        return -1;
    }
    if (recvfrom(listening, message, MESSAGE_SIZE, 0, (struct sockaddr *)&peer, &length) != MESSAGE_SIZE)
        return -1;
    if (connect(listening, (struct sockaddr *)&peer, length)) return -1;
    return dup(listening);
}

static const char *talk(int kind, int client, int listening, endpoint dialled, endpoint server) {
    static const char question[MESSAGE_SIZE] = "is anybody there?", answer[MESSAGE_SIZE] = "yes, on the other side";
    char received[MESSAGE_SIZE];
    struct sockaddr_in here = socket_address(server), there = socket_address(dialled);
    int reuse = 1;
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    if (bind(listening, (struct sockaddr *)&here, sizeof here)) return "bind";
    if (kind == SOCK_STREAM && listen(listening, 1)) return "listen";
    if (connect(client, (struct sockaddr *)&there, sizeof there)) return "connect";
    if (send(client, question, sizeof question, MSG_NOSIGNAL) != sizeof question) return "send the message";
    int serving = receive(kind, listening, received);
    if (serving < 0) return "receive the message";
    ssize_t sent = send(serving, answer, sizeof answer, MSG_NOSIGNAL);
    close(serving);
    if (memcmp(received, question, sizeof question) != 0) return "another message arrived";
    if (sent != sizeof answer) return "send the answer";
    if (recv(client, received, sizeof received, MSG_WAITALL) != sizeof received) return "receive the answer";
    return memcmp(received, answer, sizeof answer) == 0 ? NULL : "another answer arrived";
}

const char *exchange(int kind, int client_netns, endpoint dialled, endpoint server) {
    int client = socket_in(client_netns, kind), listening = socket_in(server.netns, kind);
    const char *failure = client < 0 || listening < 0 ? "socket" : talk(kind, client, listening, dialled, server);
    int cause = errno;
    if (client >= 0) close(client);
    if (listening >= 0) close(listening);
    errno = cause;
    return failure;
}
