/* A container's network namespace: made here, held alive by a file, as container runtimes do it. Free to be used by
 * several threads at once: a network namespace belongs to a thread. */
#ifndef EXAMPLE_NETNS_H
#define EXAMPLE_NETNS_H

#include <stdbool.h>

/* Makes a network namespace with its loopback up and pins it to a new file at `path`; the caller stays
 * in its own. Returns a descriptor of the new namespace, or -1 and errno. */
int netns_create(const char *path);

/* A descriptor of the namespace that the caller is in, or -1 and errno. */
int netns_current(void);

/* Moves the calling thread; 0, or -1 and errno. */
int netns_enter(int netns);

/* Lets go of the namespace and removes its file; 0, or -1 and errno. */
int netns_remove(const char *path);

bool netns_has_interface(int netns, const char *name);

/* Brings an interface of the current namespace up; 0, or -1 and errno. */
int interface_up(const char *name);

#endif
