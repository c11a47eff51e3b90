/* Prints what an ADD returned, the way people like to read it. */
#ifndef EXAMPLE_RESULT_H
#define EXAMPLE_RESULT_H

#include <stdio.h>

#include "json.h"

/* `result` is a CNI result of version 1.0.0 or later. */
void result_print(FILE *out, json result);

/* The interface on the host's side, at the other end of the container's cable, or "". */
const char *result_host_interface(json result, char *name, size_t size);

/* The container's first address without its prefix length, or "", and that address's gateway. */
const char *result_address(json result, char *address, size_t size);
const char *result_gateway(json result, char *gateway, size_t size);

#endif
