/* What core.go cannot say itself: callbacks of C into Go, and numbers in the place of pointers. */

#ifndef LIBCNI_GO_CALLBACKS_H
#define LIBCNI_GO_CALLBACKS_H

#include <libcni.h>

/* libcni_new() with the callbacks of this package. `custom`: plugins are found and run by an invoke.Exec. */
int32_t libcni_go_new(const char *options, bool custom, libcni **out, libcni_error **err);

/* libcni_context_new() with the handle of a Go value as the call data; 0 is none. */
int32_t libcni_go_context_new(const char *options, uintptr_t call, libcni_context **out, libcni_error **err);

#endif
