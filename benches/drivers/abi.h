/* What the parts of the C ABI's driver share. */
#ifndef BENCH_ABI_H
#define BENCH_ABI_H

#include <stdbool.h>

#include <libcni.h>

extern libcni *cni;

void check(int32_t status, libcni_error *error, const char *what);
/* Orders that need no plugin: true when this was one. */
bool micro(const char *order);

#endif
