/* A process of its own for a test that changes what belongs to a whole process: signals, descriptors, limits,
 * the root directory, threads that reap. Failed checks and skip() count as ever. */
#ifndef ALONE_H
#define ALONE_H

void alone(void (*body)(void));

#endif
