/* A place where nothing that happens reaches the host: private user, mount and network namespaces. They
 * vanish with the process, and everything in them, however it ends. */
#ifndef EXAMPLE_SANDBOX_H
#define EXAMPLE_SANDBOX_H

/* A directory inside the sandbox; in memory, and gone with it. */
#define SANDBOX_DIR "/run/libcni-demo"

/* Moves this single-threaded process into the sandbox, as root or as anyone else. What the machine does
 * not allow ends the program through cannot_run_here(). */
void sandbox_enter(void);

/* The rest of it, for a process that was started in such namespaces already. */
void sandbox_here(void);

#endif
