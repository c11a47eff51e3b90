/* What core.go cannot say itself: callbacks of C into Go, and numbers in the place of pointers. */

#ifndef LIBCNI_GO_CALLBACKS_H
#define LIBCNI_GO_CALLBACKS_H

#include <libcni.h>

/* libcni_new() with the callbacks of this package. `custom`: plugins are found and run by an invoke.Exec.
 * `to_stderr`: what plugins write to stderr goes to that of this process, also of calls without a context. `plugins` live
 * in the process. */
int32_t libcni_go_new(const char *options, bool custom, bool to_stderr, const libcni_plugin *plugins, size_t count,
                      libcni **out, libcni_error **err);

/* Room for so many plugins, to be freed with free(); and the plugin at a place of it, whose strings must live as long. */
libcni_plugin *libcni_go_plugins(size_t count);
void libcni_go_plugin_set(libcni_plugin *plugins, size_t place, const char *type, const char *versions, uintptr_t plugin);

/* libcni_context_new() with the handle of a Go value as the call data; 0 is none. */
int32_t libcni_go_context_new(const char *options, uintptr_t call, libcni_context **out, libcni_error **err);

/* libcni_add_network_list() that leaves SIGCHLD to the other threads. */
int32_t libcni_go_add_network_list(const libcni *cni, const libcni_context *context, const char *list, const char *rt,
                                   libcni_buf *result, libcni_error **err);

#endif
