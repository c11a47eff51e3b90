/* Calls of tests/plugins/evil.c through the C ABI, and what tests need around them. The plugin learns from its
 * environment what to do, so a handle here stands for one way of being evil. */
#ifndef EVIL_H
#define EVIL_H

#include <libcni.h>
#include <stdbool.h>
#include <stddef.h>

/* A handle whose plugins are in that mode. `environment` is further variables, as in "\"EVIL_FD\": \"1\"", or "";
 * `options` as in new_cni(). The grace is an hour unless the options set it: a call that waits for it hangs. */
libcni *evil_cni(const char *mode, const char *environment, const char *options);
libcni *hooked_evil_cni(const char *mode, const char *environment, const char *options, const libcni_hooks *hooks);

/* The variables that a mode asks for: `"EVIL_READY": "<path>"`, of the FIFO of that name in scratch(). */
const char *fifo_variable(const char *name);

/* A list of the evil plugin, with that much useless configuration in it. */
const char *evil_list(size_t padding);

int32_t add_evil(const libcni *cni, const libcni_context *ctx, const char *list, libcni_error **err);

/* ADD that another thread cancels once somebody has opened the FIFO of EVIL_READY and everybody has closed it
 * again. */
int32_t add_evil_until_ready(const libcni *cni, libcni_error **err);

/* A descendant that outlives its plugin (modes that read EVIL_RELEASE and answer on EVIL_ALIVE). */
int hold_survivor(void);                 /* before the call; keeps it waiting */
bool survivor_is_alive(int held);        /* lets it go, and waits for its word */

/* The end of file on EVIL_ALIVE: nobody who opened it is left. Open before the call. */
int watch_family(void);
bool family_is_gone(int watched);

/* A number in an error's JSON, or -1. */
long error_number(const libcni_error *err, const char *key);

#endif
