/* What the parts of the C ABI's driver share. */
#ifndef BENCH_ABI_H
#define BENCH_ABI_H

#include <stdbool.h>

#include <libcni.h>

extern libcni *cni;

void check(int32_t status, libcni_error *error, const char *what);
/* Orders: each is true when this was one of its own. */
bool micro(const char *order);
bool cached(const char *order);

#endif
