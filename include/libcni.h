/* SPDX-License-Identifier: Apache-2.0
 *
 * libcni: run the plugins of the Container Network Interface (CNI).
 *
 * Generated from src/capi by cbindgen: change it there.
 *
 * Rules that hold for every function:
 *
 * - A string in is NUL-terminated UTF-8. Options, arguments and configurations are JSON texts. libcni copies
 *   what it needs: the caller's memory stays the caller's.
 * - A text out is a libcni_buf that the caller owns and gives back with libcni_buf_free().
 * - A function that returns a status returns LIBCNI_OK (0) or a negative LIBCNI_ERR_* number. Parameters that
 *   receive something are written only on success, *err only on failure. err may be NULL, and so may a context.
 * - A pointer to const may be used by any number of threads at once. What is not const may not.
 * - Every _free function accepts NULL.
 * - Calls run on the calling thread and block it. libcni keeps no threads, no signal handlers, no global state.
 * - In our own options and arguments an unknown key is an error. In network configurations it passes through.
 */

#ifndef LIBCNI_H
#define LIBCNI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version that a program is compiled with; libcni_version() is the one that it runs with. */
#define LIBCNI_VERSION "0.1.0"
#define LIBCNI_VERSION_MAJOR 0
#define LIBCNI_VERSION_MINOR 1
#define LIBCNI_VERSION_PATCH 0

/** An empty libcni_buf. */
#define LIBCNI_BUF_INIT { NULL, 0 }

/** A libcni_hooks without callbacks: version, reserved, user_data, exec_plugin, find_in_path, on_event, finalize,
 * plugins, plugin_count. */
#define LIBCNI_HOOKS_INIT { LIBCNI_HOOKS_VERSION, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0 }

/** A libcni_plugin without callbacks: version, reserved, type, about, supported_versions, user_data, add, check, del, gc,
 * status. */
#define LIBCNI_PLUGIN_INIT { LIBCNI_PLUGIN_VERSION, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL }

/**
 * Success.
 */
#define LIBCNI_OK 0

/**
 * An argument of the call itself is wrong: NULL, not UTF-8, an unknown option, a bad container id.
 */
#define LIBCNI_ERR_INVALID_ARGUMENT -1

/**
 * A network configuration is wrong.
 */
#define LIBCNI_ERR_INVALID_CONFIG -2

/**
 * No network of that name was found in the configuration directory.
 */
#define LIBCNI_ERR_NETWORK_NOT_FOUND -3

/**
 * No plugin program of that name was found in the plugin directories.
 */
#define LIBCNI_ERR_PLUGIN_NOT_FOUND -4

/**
 * A plugin ran and failed; libcni_error_code() tells the code that it gave.
 */
#define LIBCNI_ERR_PLUGIN -5

/**
 * A plugin does not support the version of the configuration.
 */
#define LIBCNI_ERR_INCOMPATIBLE_VERSION -6

/**
 * A plugin succeeded, but what it printed is not a valid result.
 */
#define LIBCNI_ERR_INVALID_RESULT -7

/**
 * A system call failed: a file, a pipe, a process that could not be started.
 */
#define LIBCNI_ERR_IO -8

/**
 * The cache of attachments could not be read or written.
 */
#define LIBCNI_ERR_CACHE -9

/**
 * There is no cached attachment to work on.
 */
#define LIBCNI_ERR_NOT_ADDED -10

/**
 * The deadline of the call passed.
 */
#define LIBCNI_ERR_TIMEOUT -11

/**
 * The call was cancelled through its context.
 */
#define LIBCNI_ERR_CANCELLED -12

/**
 * The configuration's version is older than the CHECK command (0.4.0).
 */
#define LIBCNI_ERR_CHECK_NOT_SUPPORTED -13

/**
 * A callback of the host failed.
 */
#define LIBCNI_ERR_CALLBACK -14

/**
 * A defect of libcni.
 */
#define LIBCNI_ERR_INTERNAL -15

/**
 * What a callback returns when it leaves the request to libcni.
 */
#define LIBCNI_DEFAULT 1

/**
 * The version of struct libcni_hooks that this header declares.
 */
#define LIBCNI_HOOKS_VERSION 2

/**
 * The version of struct libcni_plugin that this header declares.
 */
#define LIBCNI_PLUGIN_VERSION 1

/**
 * A configured CNI runtime: opaque, immutable, free to be used by any number of threads at once.
 */
typedef struct libcni libcni;

/**
 * The deadline, cancellation and trace ids of one or more calls. Any number of calls on any threads may
 * share one. A function that takes a context takes NULL for one without deadline.
 */
typedef struct libcni_context libcni_context;

/**
 * What went wrong: owned by whoever received it, immutable, free to be read by several threads. Free it
 * with libcni_error_free().
 */
typedef struct libcni_error libcni_error;

/**
 * A plugin to find or to run. Valid until the callback returns; so is everything that it gives.
 */
typedef struct libcni_exec_request libcni_exec_request;

/**
 * The answer of a callback. What is set is copied.
 */
typedef struct libcni_exec_response libcni_exec_response;

/**
 * The networks of a node: loaded from its configuration, for any number of containers. Free to be used by any number
 * of threads at once; a call works with the networks as they are loaded when it begins.
 */
typedef struct libcni_networks libcni_networks;

/**
 * What a plugin is asked, checked by the rules of the protocol. Valid until the callback returns; so is everything that it
 * gives.
 */
typedef struct libcni_plugin_request libcni_plugin_request;

/**
 * The answer of a plugin's callback. What is set is copied.
 */
typedef struct libcni_plugin_response libcni_plugin_response;

/**
 * An owned text: JSON in UTF-8, with a NUL behind it that `len` does not count.
 *
 * Start with LIBCNI_BUF_INIT. A function writes it only when it succeeds; give it back with
 * libcni_buf_free().
 */
typedef struct {
  /**
   * The text; NULL in an empty buffer.
   */
  char *data;
  /**
   * Its length in bytes, without the NUL.
   */
  size_t len;
} libcni_buf;

/**
 * A plugin: what it does for each command of the protocol. Start with LIBCNI_PLUGIN_INIT.
 *
 * libcni_plugin_main() makes a program of it; in `plugins` of libcni_hooks the same struct makes it a plugin inside the
 * process. Callbacks run where those of libcni_hooks do, inside a process possibly several at the same time, and must neither
 * unwind nor jump out. They return 0 when they succeeded; with anything else, or with an error set on the response, they
 * failed.
 */
typedef struct {
  /**
   * LIBCNI_PLUGIN_VERSION.
   */
  uint32_t version;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Inside a process: the type that it serves. libcni_plugin_main() does not look at it.
   */
  const char *type;
  /**
   * What the program prints when a person starts it: its name and version. NULL: nothing, and a missing CNI_COMMAND is
   * an error.
   */
  const char *about;
  /**
   * The versions of the specification that it can be asked in: a JSON array. NULL: all.
   */
  const char *supported_versions;
  /**
   * The plugin's own pointer, handed to every callback.
   */
  void *user_data;
  /**
   * ADD: attaches the container, and sets the result on the response.
   */
  int32_t (*add)(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response);
  /**
   * CHECK: whether the attachment is as it should be. NULL: it is.
   */
  int32_t (*check)(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response);
  /**
   * DEL: undoes ADD. What is gone already is deleted; the network namespace may be gone, too, or not be named.
   */
  int32_t (*del)(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response);
  /**
   * GC: removes what belongs to none of the attachments in `cni.dev/valid-attachments` of the configuration. NULL: there
   * is nothing to remove.
   */
  int32_t (*gc)(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response);
  /**
   * STATUS: whether ADD would work (else code 50 or 51). NULL: it would.
   */
  int32_t (*status)(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response);
} libcni_plugin;

/**
 * The host's callbacks. Start with LIBCNI_HOOKS_INIT; a callback that is NULL is not called.
 *
 * They run on the thread of the call that they belong to (of a set-up of networks with `parallel`: on its threads,
 * which have the namespaces of the caller's and end with the call), possibly several at the same time, and
 * must neither unwind nor jump out. They may call libcni. A callback returns 0 when it handled the request,
 * LIBCNI_DEFAULT when libcni shall, and a negative number when it failed (LIBCNI_ERR_CALLBACK).
 */
typedef struct {
  /**
   * LIBCNI_HOOKS_VERSION.
   */
  uint32_t version;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * The host's own pointer, handed to every callback.
   */
  void *user_data;
  /**
   * Runs a plugin. The answer, set on the response: its stdout, its stderr, its exit code or signal.
   */
  int32_t (*exec_plugin)(void *user_data, const libcni_exec_request *request, libcni_exec_response *response);
  /**
   * Finds a plugin's program. The answer, set on the response: its path.
   */
  int32_t (*find_in_path)(void *user_data, const libcni_exec_request *request, libcni_exec_response *response);
  /**
   * Told of what happens. `event_json` is an object. `event` is "begin" and "end" for every plugin's run, with `command`,
   * `plugin`, `index`, `path`, `containerId`, `ifName`, and at the end `pid`, `durationMs`, `exitCode` or `signal` or
   * `exitUnknown`, `timedOut`, `cancelled`, `notStarted`, `stderr`, where they apply; or "cacheProblem" for a file of the
   * cache that was of no use, with `path`, `message` and, where it was moved, `setAside`. `call_data` is the context's.
   * Costs nothing when it is NULL.
   */
  void (*on_event)(void *user_data, void *call_data, const char *event_json);
  /**
   * Called once, after the last call, on any thread, and only if libcni_new() succeeded.
   */
  void (*finalize)(void *user_data);
  /**
   * Since version 2: plugins that live in the process, each asked for its type before the callbacks above and before the
   * file system. An array, copied with its texts; may be NULL when there are none.
   */
  const libcni_plugin *plugins;
  /**
   * Since version 2: how many.
   */
  size_t plugin_count;
} libcni_hooks;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that runs, for example "0.1.0".
 *
 * LIBCNI_VERSION is the version that a program was compiled with.
 *
 * @return a static string, never NULL; not to be freed.
 */
const char *libcni_version(void);

/**
 * The version of the binary interface that runs: the number in the name libcni.so.0. Within one version
 * functions and fields are only ever added.
 */
uint32_t libcni_abi_version(void);

/**
 * The name of a status, for example "PLUGIN_NOT_FOUND" for LIBCNI_ERR_PLUGIN_NOT_FOUND, and "OK" for
 * LIBCNI_OK.
 *
 * @return a static string, not to be freed; "UNKNOWN" for a number that this library does not know.
 */
const char *libcni_status_name(int32_t status);

/**
 * Frees a buffer's text and resets the fields, so that a second call is harmless.
 *
 * @param buf a buffer that libcni filled or LIBCNI_BUF_INIT; may be NULL.
 */
void libcni_buf_free(libcni_buf *buf);

/**
 * The status that the failed function returned.
 *
 * @param err an error; NULL gives LIBCNI_OK.
 * @return a LIBCNI_ERR_* number.
 */
int32_t libcni_error_status(const libcni_error *err);

/**
 * The error code of the CNI specification.
 *
 * @param err an error; NULL gives 0.
 * @return 1 to 99 codes of the specification, 100 and above the plugin's own, 0 none.
 */
uint32_t libcni_error_code(const libcni_error *err);

/**
 * The error as one text for people.
 *
 * @param err an error; NULL gives "".
 * @return UTF-8 text that lives as long as the error; never NULL.
 */
const char *libcni_error_message(const libcni_error *err);

/**
 * Everything that is known about the error, as a JSON object: `status`, `message`, and where they apply
 * `code`, `msg` and `details` (of the plugin's error object), `plugin` (its type), `index` (its place in the
 * list), `path` (of the program or file), `command`, `exitCode`, `signal`, `timedOut`, `stderr` and `stdout`
 * (their ends), `durationMs`, `result` (what the plugins returned, when only writing the cache failed),
 * `attachment` and `causes` (an array of such objects).
 *
 * @param err an error; NULL gives "{}".
 * @return UTF-8 text that lives as long as the error; never NULL.
 */
const char *libcni_error_json(const libcni_error *err);

/**
 * Frees an error.
 *
 * @param err an error, which must not be used afterwards; may be NULL.
 */
void libcni_error_free(libcni_error *err);

/**
 * Makes a context.
 *
 * @param options NULL or a JSON object with any of: `timeoutMs` (integer: calls with this context must be over
 *        that many milliseconds from now; the earlier of this and the call's own deadline wins), `env` (in place of the
 *        handle's, see libcni_new()), `traceparent`, `tracestate`, `baggage` (W3C trace ids, which plugins get as
 *        TRACEPARENT, TRACESTATE and BAGGAGE), `locks` (the value of LIBCNI_LOCKS in a callback's request, for calls that it
 *        makes with a context of their own).
 * @param call_data the host's own pointer, handed to its hooks; may be NULL.
 * @param out the new context; free it with libcni_context_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, LIBCNI_ERR_INVALID_ARGUMENT, or LIBCNI_ERR_IO when the process has no file descriptor left.
 */
int32_t libcni_context_new(const char *options,
                           void *call_data,
                           libcni_context **out,
                           libcni_error **err);

/**
 * Cancels every call with this context, running or to come: a running plugin and its process group are
 * ended, and the call returns LIBCNI_ERR_CANCELLED. May be called from any thread and from a signal
 * handler; keeps errno.
 *
 * @param ctx a context; NULL does nothing.
 */
void libcni_context_cancel(const libcni_context *ctx);

/**
 * Whether the context was cancelled. May be called from any thread and from a signal handler.
 *
 * @param ctx a context; NULL gives false.
 */
bool libcni_context_is_cancelled(const libcni_context *ctx);

/**
 * Frees a context. Calls that run with it keep what they need; but nobody may cancel through the freed
 * handle any more.
 *
 * @param ctx a context, which must not be used afterwards; may be NULL.
 */
void libcni_context_free(libcni_context *ctx);

/**
 * The CNI command: "ADD", "CHECK", "DEL", "GC", "STATUS" or "VERSION".
 */
const char *libcni_exec_request_command(const libcni_exec_request *request);

/**
 * The plugin's type, as in the configuration.
 */
const char *libcni_exec_request_plugin(const libcni_exec_request *request);

/**
 * The plugin's program; "" in find_in_path.
 */
const char *libcni_exec_request_path(const libcni_exec_request *request);

/**
 * The directories in which plugins are searched: a JSON array.
 */
const char *libcni_exec_request_dirs(const libcni_exec_request *request);

/**
 * The plugin's whole stdin: its configuration. Not NUL-terminated.
 *
 * @param len receives its length in bytes; may be NULL.
 */
const char *libcni_exec_request_stdin(const libcni_exec_request *request, size_t *len);

/**
 * The variable at place `i` of the plugin's environment, as "NAME=value"; NULL past the end.
 */
const char *libcni_exec_request_env(const libcni_exec_request *request, size_t i);

/**
 * The `call_data` of the call's context.
 */
void *libcni_exec_request_call_data(const libcni_exec_request *request);

/**
 * The context for calls that the callback makes itself: it has the call's deadline and cancellation, and the locks
 * that the call holds. Not to be freed.
 */
const libcni_context *libcni_exec_request_context(const libcni_exec_request *request);

/**
 * Sets the plugin's stdout.
 *
 * @param data `len` bytes, copied; may be NULL when `len` is 0.
 */
void libcni_exec_response_set_stdout(libcni_exec_response *response, const char *data, size_t len);

/**
 * Sets the plugin's stderr.
 *
 * @param data `len` bytes, copied; may be NULL when `len` is 0.
 */
void libcni_exec_response_set_stderr(libcni_exec_response *response, const char *data, size_t len);

/**
 * Sets how the plugin ended.
 *
 * @param code its exit code.
 * @param signal the signal that ended it, or 0.
 */
void libcni_exec_response_set_exit(libcni_exec_response *response, int32_t code, int32_t signal);

/**
 * Sets the path of the program that find_in_path found.
 *
 * @param path a path, copied.
 */
void libcni_exec_response_set_path(libcni_exec_response *response, const char *path);

/**
 * Sets why the callback failed. The call then ends with LIBCNI_ERR_CALLBACK, whatever the callback returns but
 * LIBCNI_DEFAULT.
 *
 * @param message a text for people, copied.
 */
void libcni_exec_response_set_error(libcni_exec_response *response,
                                    const char *message);

/**
 * Runs a plugin once, as the program that calls this: reads the environment and stdin by the protocol, calls the
 * callback of the command, and prints the result or the error object to stdout. It is the whole of a plugin's main():
 *
 * `int main(int argc, char **argv) { return libcni_plugin_main(&plugin, argc, argv); }`
 *
 * @param plugin the plugin.
 * @param argc as main() got it; not used.
 * @param argv as main() got it; not used.
 * @return the exit code for main(): 0, or 1 after an error object.
 */
int32_t libcni_plugin_main(const libcni_plugin *plugin,
                           int argc,
                           char **argv);

/**
 * The CNI command: "ADD", "CHECK", "DEL", "GC" or "STATUS".
 */
const char *libcni_plugin_request_command(const libcni_plugin_request *request);

/**
 * The container's id; may be "" in GC and STATUS.
 */
const char *libcni_plugin_request_container_id(const libcni_plugin_request *request);

/**
 * The path of the container's network namespace. May be "", and what it names may be gone, in DEL.
 */
const char *libcni_plugin_request_netns(const libcni_plugin_request *request);

/**
 * The name of the interface in the container; may be "" in GC and STATUS.
 */
const char *libcni_plugin_request_if_name(const libcni_plugin_request *request);

/**
 * CNI_ARGS as it stands; libcni_plugin_request_load_args() reads it.
 */
const char *libcni_plugin_request_args(const libcni_plugin_request *request);

/**
 * The network's name.
 */
const char *libcni_plugin_request_network_name(const libcni_plugin_request *request);

/**
 * The version of the specification that the configuration is written in.
 */
const char *libcni_plugin_request_cni_version(const libcni_plugin_request *request);

/**
 * The configuration: a JSON object, with U+FFFD for bytes that are not UTF-8.
 */
const char *libcni_plugin_request_config(const libcni_plugin_request *request);

/**
 * The plugin's stdin, byte for byte. Not NUL-terminated.
 *
 * @param len receives its length in bytes; may be NULL.
 */
const char *libcni_plugin_request_stdin(const libcni_plugin_request *request, size_t *len);

/**
 * A variable of the plugin's environment. Inside a process this is not the process's own environment, but what the
 * plugin's program would get.
 *
 * @param name the variable's name.
 * @return its value; NULL when it is not there.
 */
const char *libcni_plugin_request_variable(const libcni_plugin_request *request,
                                           const char *name);

/**
 * The `call_data` of the call's context.
 */
void *libcni_plugin_request_call_data(const libcni_plugin_request *request);

/**
 * The context of the call: a long piece of work looks whether it is cancelled. A program's never is: its runtime ends
 * it. Not to be freed.
 */
const libcni_context *libcni_plugin_request_context(const libcni_plugin_request *request);

/**
 * The result of the plugin before this one (ADD), or of the attachment (CHECK, DEL), in the request's version.
 *
 * @param result receives the result, or "null" without one; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, or LIBCNI_ERR_PLUGIN (code 6) when the configuration's is not a valid one.
 */
int32_t libcni_plugin_request_prev_result(const libcni_plugin_request *request,
                                          libcni_buf *result,
                                          libcni_error **err);

/**
 * Reads CNI_ARGS, `K=V;K2=V2`. An argument whose name is not among `names` is an error, unless IgnoreUnknown is set to `1`
 * or `true` in them.
 *
 * @param names a JSON array of the names that the plugin knows.
 * @param args receives a JSON object of those that were given, as strings; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, LIBCNI_ERR_INVALID_ARGUMENT for `names`, or LIBCNI_ERR_PLUGIN (code 4).
 */
int32_t libcni_plugin_request_load_args(const libcni_plugin_request *request,
                                        const char *names,
                                        libcni_buf *args,
                                        libcni_error **err);

/**
 * Writes a line for people to the plugin's stderr. Inside a process, where stderr is the host's, it goes where the stderr
 * of the plugin's program would go: to the events and errors of the call.
 *
 * @param line a text without the end of the line; NULL does nothing.
 */
void libcni_plugin_request_log(const libcni_plugin_request *request,
                               const char *line);

/**
 * Runs another plugin as part of one's own work (specification, section 4). It is found in CNI_PATH, inside a process
 * among its plugins first, and gets the environment of this request with its own command. An ADD that fails is followed
 * by DEL before this returns. What the plugin writes to stderr is logged.
 *
 * @param command "ADD", "CHECK", "DEL", "GC" or "STATUS"; NULL is the request's own.
 * @param type the type of the plugin.
 * @param config its configuration, a JSON object.
 * @param result ADD: receives the result, in the version in which the plugin gave it; free it with libcni_buf_free(). Other
 *        commands have none. May be NULL.
 * @param err on failure the error, to be handed to libcni_plugin_response_set_failure() and freed; may be NULL.
 * @return LIBCNI_OK, LIBCNI_ERR_PLUGIN_NOT_FOUND, LIBCNI_ERR_PLUGIN when it failed, ...
 */
int32_t libcni_plugin_request_delegate(const libcni_plugin_request *request,
                                       const char *command,
                                       const char *type,
                                       const char *config,
                                       libcni_buf *result,
                                       libcni_error **err);

/**
 * Sets the result of ADD.
 *
 * @param result a JSON object in any version of the specification; one without `cniVersion` is of the request's version. The
 *        runtime gets it in the request's version.
 */
void libcni_plugin_response_set_result(libcni_plugin_response *response,
                                       const char *result);

/**
 * Sets the error: the plugin fails with this error object.
 *
 * @param code 1 to 99 codes of the specification, 100 and above the plugin's own.
 * @param msg a short text for people; NULL is "".
 * @param details a longer one; may be NULL.
 */
void libcni_plugin_response_set_error(libcni_plugin_response *response,
                                      uint32_t code,
                                      const char *msg,
                                      const char *details);

/**
 * Sets the error to one that a function of libcni gave: the error object of a plugin that was delegated to stays as it is,
 * any other error has the code 999.
 *
 * @param error an error, which stays the caller's; NULL sets one without a text.
 */
void libcni_plugin_response_set_failure(libcni_plugin_response *response,
                                        const libcni_error *error);

/**
 * Makes a CNI runtime. Cheap: it touches no file.
 *
 * @param options NULL or a JSON object with any of
 *        - `pluginDirs`: array of directories in which plugins are searched (default: `$CNI_PATH` split at `:`, else
 *          `/opt/cni/bin`);
 *        - `cacheDir`: where attachments are remembered (default `/var/lib/cni`; `null`: nothing is kept on disk);
 *        - `timeoutMs`: how long each call may take, from its start (default: for ever);
 *        - `killGraceMs`: how long a plugin that is being ended gets between SIGTERM and SIGKILL (default 1000);
 *        - `maxOutputBytes`: the most that is kept of a plugin's stdout, and of its stderr (default 16 MiB);
 *        - `env`: what plugins get of the environment: `"inherit"` (default), `"clean"` (PATH alone), an array of names to
 *          keep, or an object that is the environment. All but the last read it in each call, as `getenv` does: no other thread
 *          may change it then (`setenv`, `putenv`);
 *        - `rollback`: whether a failed ADD is followed by a DEL of the whole list (default false), and
 *          `rollbackTimeoutMs`, how long that may take (default 30000);
 *        - `preflight`: whether ADD finds every plugin, and the cache writable, before the first plugin runs (default true);
 *        - `locking`: whether operations on one attachment wait for each other, across processes (default true);
 *        - `durable`: whether cache files are flushed to the disk before a call returns (default true);
 *        - `builtins`: array of plugins of libcni that live in the process: `"loopback"` (default: none).
 * @param hooks NULL or the host's callbacks; copied.
 * @param out the new runtime; free it with libcni_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK or LIBCNI_ERR_INVALID_ARGUMENT.
 */
int32_t libcni_new(const char *options,
                   const libcni_hooks *hooks,
                   libcni **out,
                   libcni_error **err);

/**
 * Frees a runtime. Calls that still run on other threads must have returned.
 *
 * @param cni a runtime, which must not be used afterwards; may be NULL.
 */
void libcni_free(libcni *cni);

/**
 * ADD: attaches a container to a network, plugin by plugin, and remembers the attachment (CNI
 * specification, section 3). Blocks until the last plugin ended, the deadline passed or the context was
 * cancelled.
 *
 * @param cni a runtime.
 * @param ctx NULL or a context.
 * @param list the network configuration list, as in a .conflist file.
 * @param rt a JSON object: `containerId`, `netns` (path of the network namespace), `ifName`, and optionally
 *        `cniArgs` (array of [key, value]), `capabilityArgs` (object: capability to value), `cacheDir` (used when the
 *        runtime names none), `cacheConfig` (base64: bytes to remember in place of the list), `pluginTypes` (array:
 *        the names by which the plugins are found, in the list's order, in place of their types).
 * @param result the last plugin's result; free it with libcni_buf_free().
 * @param err on failure the error, which names the plugin; may be NULL.
 * @return LIBCNI_OK or any failure. What ran before a failing plugin stays, so that DEL should follow, unless the
 *         runtime has `rollback`.
 */
int32_t libcni_add_network_list(const libcni *cni,
                                const libcni_context *ctx,
                                const char *list,
                                const char *rt,
                                libcni_buf *result,
                                libcni_error **err);

/**
 * CHECK: asks every plugin whether the attachment is as it should be. Plugins get the remembered result
 * of ADD.
 *
 * @param cni a runtime.
 * @param ctx NULL or a context.
 * @param list the network configuration list.
 * @param rt as for libcni_add_network_list(); `prevResult` is the result of ADD for a runtime that remembers nothing.
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK; LIBCNI_ERR_CHECK_NOT_SUPPORTED below version 0.4.0; LIBCNI_ERR_NOT_ADDED without a remembered
 *         attachment; or any other failure.
 */
int32_t libcni_check_network_list(const libcni *cni,
                                  const libcni_context *ctx,
                                  const char *list,
                                  const char *rt,
                                  libcni_error **err);

/**
 * DEL: undoes an attachment, from the last plugin to the first, and forgets it. Deleting what is not there
 * succeeds. After a failure the attachment is still remembered, so that DEL can be tried again.
 *
 * @param cni a runtime.
 * @param ctx NULL or a context.
 * @param list the network configuration list.
 * @param rt as for libcni_check_network_list(); `netns` may be empty when the namespace is gone.
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK or any failure.
 */
int32_t libcni_del_network_list(const libcni *cni,
                                const libcni_context *ctx,
                                const char *list,
                                const char *rt,
                                libcni_error **err);

/**
 * The remembered result of an ADD, in the list's version. No plugin runs.
 *
 * @param cni a runtime.
 * @param list the network configuration list; its `name` and `cniVersion` are enough.
 * @param rt `containerId` and `ifName`, and `cacheDir` if ADD had it.
 * @param result the result, or `null` when there is none; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, or LIBCNI_ERR_CACHE when the cache cannot be read or its entry is of no use.
 */
int32_t libcni_get_network_list_cached_result(const libcni *cni,
                                              const char *list,
                                              const char *rt,
                                              libcni_buf *result,
                                              libcni_error **err);

/**
 * The remembered configuration of an ADD. No plugin runs.
 *
 * @param cni a runtime.
 * @param list the network configuration list; its `name` is enough.
 * @param rt `containerId` and `ifName`, and `cacheDir` if ADD had it.
 * @param config `null` when there is none, else an object: `config` (as JSON; null when it is not JSON),
 *        `configBytes` (base64: the exact bytes) and `runtimeConf` (`rt` with the ADD's arguments); free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, or LIBCNI_ERR_CACHE when the cache cannot be read or its entry is of no use.
 */
int32_t libcni_get_network_list_cached_config(const libcni *cni,
                                              const char *list,
                                              const char *rt,
                                              libcni_buf *config,
                                              libcni_error **err);

/**
 * Checks that every plugin of the list can be found and supports the list's version, by its VERSION answer.
 *
 * @param cni a runtime.
 * @param ctx NULL or a context.
 * @param list the network configuration list.
 * @param capabilities the enabled capabilities of all plugins: a sorted array of names; free it with libcni_buf_free().
 * @param err on failure the error, whose `causes` has every plugin's; may be NULL.
 * @return LIBCNI_OK, LIBCNI_ERR_PLUGIN_NOT_FOUND, LIBCNI_ERR_INCOMPATIBLE_VERSION, or any other failure.
 */
int32_t libcni_validate_network_list(const libcni *cni,
                                     const libcni_context *ctx,
                                     const char *list,
                                     libcni_buf *capabilities,
                                     libcni_error **err);

/**
 * GC: deletes the remembered attachments of the network that are not valid any more, then, from version
 * 1.1.0, has every plugin remove what belongs to none of the valid ones. Goes on after errors.
 *
 * A valid set that was computed before a concurrent ADD does not have the new attachment, which this call
 * then deletes: compute it while no ADD of the network runs.
 *
 * @param cni a runtime.
 * @param ctx NULL or a context.
 * @param list the network configuration list.
 * @param args a JSON object: `validAttachments`, an array of objects with `containerId` and `ifName` (other keys are
 *        ignored, so that attachments can be passed as they were returned). `[]` makes every attachment stale; `null` does too, and
 *        tells the plugins nothing. Must not be NULL.
 * @param err on failure the error, whose `causes` has every failure; may be NULL.
 * @return LIBCNI_OK or the first failure.
 */
int32_t libcni_gc_network_list(const libcni *cni,
                               const libcni_context *ctx,
                               const char *list,
                               const char *args,
                               libcni_error **err);

/**
 * STATUS: asks every plugin whether it is ready for ADD. Below version 1.1.0 nothing runs.
 *
 * @param cni a runtime.
 * @param ctx NULL or a context.
 * @param list the network configuration list.
 * @param err on failure the error of the first plugin that is not ready, as it gave it: code 50, not available; 51, not
 *        available and existing containers may have limited connectivity; may be NULL.
 * @return LIBCNI_OK or any failure.
 */
int32_t libcni_get_status_network_list(const libcni *cni,
                                       const libcni_context *ctx,
                                       const char *list,
                                       libcni_error **err);

/**
 * What an operation would run, without running it.
 *
 * @param cni a runtime.
 * @param command "ADD", "CHECK", "DEL", "GC" or "STATUS".
 * @param list the network configuration list.
 * @param rt as for the operation; may be NULL for GC and STATUS.
 * @param requests an array in the order of execution: `plugin` (its type), `path`, `env` (the CNI_* variables), `stdin`, and
 *        `needsPrevResult`: true where the run would also have a result that only the plugins before it can give; free it with
 *        libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK or the failure that the operation would meet before it ran a plugin.
 */
int32_t libcni_render_network_list(const libcni *cni,
                                   const char *command,
                                   const char *list,
                                   const char *rt,
                                   libcni_buf *requests,
                                   libcni_error **err);

/**
 * libcni_add_network_list() for one plugin on its own, under its own `name` and `cniVersion`.
 *
 * @param cni a runtime.
 * @param ctx NULL or a context.
 * @param conf the plugin's configuration, as in a .conf file.
 * @param rt as for libcni_add_network_list().
 * @param result the plugin's result; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK or any failure.
 */
int32_t libcni_add_network(const libcni *cni,
                           const libcni_context *ctx,
                           const char *conf,
                           const char *rt,
                           libcni_buf *result,
                           libcni_error **err);

/**
 * libcni_check_network_list() for one plugin on its own.
 *
 * @param cni a runtime.
 * @param ctx NULL or a context.
 * @param conf the plugin's configuration.
 * @param rt as for libcni_check_network_list().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK or any failure.
 */
int32_t libcni_check_network(const libcni *cni,
                             const libcni_context *ctx,
                             const char *conf,
                             const char *rt,
                             libcni_error **err);

/**
 * libcni_del_network_list() for one plugin on its own.
 *
 * @param cni a runtime.
 * @param ctx NULL or a context.
 * @param conf the plugin's configuration.
 * @param rt as for libcni_del_network_list().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK or any failure.
 */
int32_t libcni_del_network(const libcni *cni,
                           const libcni_context *ctx,
                           const char *conf,
                           const char *rt,
                           libcni_error **err);

/**
 * libcni_get_network_list_cached_result() for one plugin on its own.
 *
 * @param cni a runtime.
 * @param conf the plugin's configuration; its `name` and `cniVersion` are enough.
 * @param rt `containerId` and `ifName`, and `cacheDir` if ADD had it.
 * @param result the result, or `null` when there is none; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, or LIBCNI_ERR_CACHE when the cache cannot be read or its entry is of no use.
 */
int32_t libcni_get_network_cached_result(const libcni *cni,
                                         const char *conf,
                                         const char *rt,
                                         libcni_buf *result,
                                         libcni_error **err);

/**
 * libcni_get_network_list_cached_config() for one plugin on its own.
 *
 * @param cni a runtime.
 * @param conf the plugin's configuration; its `name` is enough.
 * @param rt `containerId` and `ifName`, and `cacheDir` if ADD had it.
 * @param config as for libcni_get_network_list_cached_config(); free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, or LIBCNI_ERR_CACHE when the cache cannot be read or its entry is of no use.
 */
int32_t libcni_get_network_cached_config(const libcni *cni,
                                         const char *conf,
                                         const char *rt,
                                         libcni_buf *config,
                                         libcni_error **err);

/**
 * libcni_validate_network_list() for one plugin on its own, with its own `cniVersion`.
 *
 * @param cni a runtime.
 * @param ctx NULL or a context.
 * @param conf the plugin's configuration.
 * @param capabilities its enabled capabilities: a sorted array of names; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, LIBCNI_ERR_PLUGIN_NOT_FOUND, LIBCNI_ERR_INCOMPATIBLE_VERSION, or any other failure.
 */
int32_t libcni_validate_network(const libcni *cni,
                                const libcni_context *ctx,
                                const char *conf,
                                libcni_buf *capabilities,
                                libcni_error **err);

/**
 * The remembered attachments, sorted by the names of their files. Files that are not attachments are skipped.
 *
 * Hundreds of files are read by up to four threads, which end with the call.
 *
 * @param cni a runtime.
 * @param filter NULL for all, or a JSON object with any of `containerId`, `networkName`, `ifName`: all that are given must
 *        match.
 * @param attachments an array of objects: `containerId`, `networkName`, `ifName`, `netns`, `config` (as JSON; null when it is not
 *        JSON), `configBytes` (base64: the exact bytes), `cniArgs`, `capabilityArgs`; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, or LIBCNI_ERR_CACHE when the cache cannot be read.
 */
int32_t libcni_get_cached_attachments(const libcni *cni,
                                      const char *filter,
                                      libcni_buf *attachments,
                                      libcni_error **err);

/**
 * Asks a plugin which versions of the CNI specification it supports.
 *
 * @param cni a runtime.
 * @param ctx NULL or a context.
 * @param plugin_type the plugin's type: the name of its program.
 * @param info an object: `cniVersion` and `supportedVersions` (an array); free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, LIBCNI_ERR_PLUGIN_NOT_FOUND, LIBCNI_ERR_INVALID_RESULT, or any other failure.
 */
int32_t libcni_get_version_info(const libcni *cni,
                                const libcni_context *ctx,
                                const char *plugin_type,
                                libcni_buf *info,
                                libcni_error **err);

/**
 * DEL of every remembered attachment that matches, with the configuration and the arguments of its ADD. Goes on
 * after errors.
 *
 * @param cni a runtime.
 * @param ctx NULL or a context.
 * @param filter as for libcni_get_cached_attachments(), but not NULL: `{}` is every attachment.
 * @param report an array with one object for each attachment: `attachment` (`containerId`, `networkName`, `ifName`),
 *        `deleted`, and `error` where it was not deleted; free it with libcni_buf_free().
 * @param err when any attachment could not be deleted, an error with the first one's status; its `causes` has all; may be
 *        NULL.
 * @return LIBCNI_OK or the first failure.
 */
int32_t libcni_del_cached_attachments(const libcni *cni,
                                      const libcni_context *ctx,
                                      const char *filter,
                                      libcni_buf *report,
                                      libcni_error **err);

/**
 * The files of a directory, not below it, with one of these extensions, in file name order. A missing directory
 * has none.
 *
 * @param dir a directory.
 * @param extensions a JSON array of extensions with their dots, for example `[".conflist", ".conf"]`.
 * @param paths an array of paths; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, or LIBCNI_ERR_IO when the directory cannot be read.
 */
int32_t libcni_conf_files(const char *dir,
                          const char *extensions,
                          libcni_buf *paths,
                          libcni_error **err);

/**
 * Finds a network in a directory: first in the .conflist files, then in the .conf and .json files, each in file name
 * order. Drop-in plugins in `<dir>/<network>/` are part of it.
 *
 * @param dir a directory.
 * @param name the network's name.
 * @param list the network configuration list; free it with libcni_buf_free().
 * @param err on failure the error; files that could not be loaded are among its `causes`; may be NULL.
 * @return LIBCNI_OK; LIBCNI_ERR_NETWORK_NOT_FOUND; LIBCNI_ERR_IO when the directory cannot be read.
 */
int32_t libcni_load_network_conf(const char *dir,
                                 const char *name,
                                 libcni_buf *list,
                                 libcni_error **err);

/**
 * Loads every network of a directory, from .conflist, .conf and .json files together, in file name order. A file that
 * cannot be loaded hides no other.
 *
 * @param dir a directory.
 * @param out an object: `networks`, an array of objects with `path` and `list`, and `errors`, an array of objects with `path`
 *        and `message`; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, or LIBCNI_ERR_IO when the directory cannot be read.
 */
int32_t libcni_load_network_confs(const char *dir,
                                  libcni_buf *out,
                                  libcni_error **err);

/**
 * Loads a network configuration list from a file, with the drop-in plugins beside it in
 * `<network>/`, unless `loadOnlyInlinedPlugins` is set.
 *
 * @param path a .conflist file.
 * @param list the network configuration list: the file's text, with the drop-in plugins at the end of `plugins`; free it
 *        with libcni_buf_free().
 * @param err on failure the error, which names the file; may be NULL.
 * @return LIBCNI_OK, LIBCNI_ERR_INVALID_CONFIG, or LIBCNI_ERR_IO when a file cannot be read.
 */
int32_t libcni_network_conf_from_file(const char *path,
                                      libcni_buf *list,
                                      libcni_error **err);

/**
 * Checks that a text is a network configuration list.
 *
 * @param json the text of a .conflist file.
 * @param list the same text; free it with libcni_buf_free().
 * @param err on failure the error, which names the key, the plugin's index, or line and column; may be NULL.
 * @return LIBCNI_OK or LIBCNI_ERR_INVALID_CONFIG.
 */
int32_t libcni_network_conf_from_bytes(const char *json, libcni_buf *list, libcni_error **err);

/**
 * Makes a network configuration list of one plugin's configuration: name and version from it, itself the only
 * plugin.
 *
 * @param conf the text of a .conf file.
 * @param list the network configuration list; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK or LIBCNI_ERR_INVALID_CONFIG.
 */
int32_t libcni_conf_list_from_conf(const char *conf, libcni_buf *list, libcni_error **err);

/**
 * Puts values into one plugin's configuration. Injected keys go last; other occurrences of them are removed;
 * everything else keeps its place and its text.
 *
 * @param conf one plugin's configuration.
 * @param values a JSON object: key to value.
 * @param out the new configuration; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK; LIBCNI_ERR_INVALID_ARGUMENT for an empty key or a null value; LIBCNI_ERR_INVALID_CONFIG.
 */
int32_t libcni_inject_conf(const char *conf, const char *values, libcni_buf *out, libcni_error **err);

/**
 * Converts a result to another version of the CNI specification. What the other version cannot say is left out.
 *
 * @param result a result as an ADD returns it; without `cniVersion` it is read as 0.1.0.
 * @param cni_version the wanted version; "" means 0.1.0.
 * @param out the result; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, or LIBCNI_ERR_INVALID_RESULT when it is no result, or cannot be converted.
 */
int32_t libcni_result_convert(const char *result,
                              const char *cni_version,
                              libcni_buf *out,
                              libcni_error **err);

/**
 * Loads the networks of a node. A directory without networks, or that is not there, is no error, see
 * libcni_networks_status(); files in it that cannot be loaded are in libcni_networks_config().
 *
 * @param cni the runtime that attaches containers; it may be freed before the networks.
 * @param options NULL or a JSON object with any of
 *        - `sources`: where networks come from, in order: an array of objects with one of `dir` (a directory, with `load`:
 *          `"default"`, its first network, or `"all"`; without `dir` that of `confDir`), `confFile`, `confListFile`
 *          (paths), `conf`, `confList` (configurations, as objects or as strings with their text), and optionally `index`,
 *          the number in the interface's name. Default: the first network of `confDir`;
 *        - `confDir`: the directory of configurations (default `/etc/cni/net.d`);
 *        - `interfacePrefix`: what the names of interfaces begin with (default `eth`); the networks are numbered in
 *          their order from 0;
 *        - `minNetworks`: how many must be loaded for a container to be set up, loopback included (default 1, and one
 *          more with `loopback`);
 *        - `maxNetworks`: how many are taken from a directory at most (default 0: all);
 *        - `loopback`: whether `lo` is brought up before everything else (default true), and `loopbackPlugin`, by whom:
 *          `"program"`, `"builtin"` (this library), or `"auto"` (default: by the program where there is one);
 *        - `parallel`: whether a container is attached to its networks at the same time, on threads that end with the
 *          call (default false: one after the other);
 *        - `undo`: whether a set-up that fails detaches the container again (default true), and `undoTimeoutMs`, how long
 *          that may take (default 30000);
 *        - `checkNetns`: whether a set-up looks for the network namespace first (default true).
 * @param out the networks; free them with libcni_networks_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, LIBCNI_ERR_INVALID_ARGUMENT, or LIBCNI_ERR_INVALID_CONFIG or LIBCNI_ERR_IO for a source that names
 *         a file or gives a configuration.
 */
int32_t libcni_networks_new(const libcni *cni,
                            const char *options,
                            libcni_networks **out,
                            libcni_error **err);

/**
 * Frees the networks. Calls that still run on other threads must have returned.
 *
 * @param networks the networks, which must not be used afterwards; may be NULL.
 */
void libcni_networks_free(libcni_networks *networks);

/**
 * Loads the networks again. On failure everything stays as it was. Calls that run go on with what they began with.
 *
 * @param networks the networks.
 * @param sources NULL for the same sources again, or others: a JSON array as the option `sources`.
 * @param config receives what libcni_networks_config() tells afterwards; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return as libcni_networks_new().
 */
int32_t libcni_networks_load(const libcni_networks *networks,
                             const char *sources,
                             libcni_buf *config,
                             libcni_error **err);

/**
 * The networks as they are loaded.
 *
 * @param networks the networks.
 * @param config an object: `confDir`, `interfacePrefix`, `pluginDirs`, `generation` (counts the loads that changed
 *        something), `networks` (array, in the order of the set-up: `name`, `ifName`, `path` or null, `loopback`, `list`,
 *        and `listText`, the exact text of it) and `errors` (array of `path`, `status` (a name, as libcni_status_name() has
 *        it) and `message`: what could not be loaded; a file that is broken now but was loaded before keeps its network;
 *        after libcni_networks_watch() also a directory that cannot be watched). Free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK or LIBCNI_ERR_INVALID_ARGUMENT.
 */
int32_t libcni_networks_config(const libcni_networks *networks,
                               libcni_buf *config,
                               libcni_error **err);

/**
 * Whether containers can be set up: enough networks are loaded, they and their interfaces have names that may be, the
 * plugins of each say that they are ready (STATUS, from version 1.1.0), and there is a plugin for loopback, if it is wanted.
 *
 * @param networks the networks.
 * @param ctx NULL or a context.
 * @param err on failure the error; its causes are those of all networks that are not ready; may be NULL.
 * @return LIBCNI_OK; LIBCNI_ERR_NETWORK_NOT_FOUND when too few networks are loaded; LIBCNI_ERR_INVALID_ARGUMENT for an
 *         interface whose number makes its name too long; or any failure of libcni_get_status_network_list().
 */
int32_t libcni_networks_status(const libcni_networks *networks,
                               const libcni_context *ctx,
                               libcni_error **err);

/**
 * Attaches a container to its networks, loopback first. Everything that can be wrong with the container is looked at
 * before the first plugin runs. When a network fails, the container is detached from those that it was attached to by
 * this call, unless the option `undo` is off.
 *
 * @param networks the networks.
 * @param ctx NULL or a context.
 * @param container a JSON object: `containerId`, `netns` (path), and optionally `cniArgs` (array of [key, value]),
 *        `capabilityArgs` (object), `cacheDir`, `parallel` (in place of the option), and `networks`: in place of all
 *        that are loaded, an array of objects with `name` and optionally `ifName`, `cniArgs` and `capabilityArgs` (on
 *        top of the container's).
 * @param result an object: `interfaces` (by name: `network`, `mac`, `mtu`, `sandbox`, `pciID`, `socketPath`, where they
 *        are told, and `ips`, an array of `address` and `gateway`), `dns` (one of each network), `routes` (of all), and
 *        `results` (array of `network`, `ifName`, `result`: what each network returned), all in the order of the
 *        networks. Free it with libcni_buf_free().
 * @param err on failure the error: the status of the first network that failed, with one cause for each and those of
 *        detaching; may be NULL.
 * @return LIBCNI_OK; LIBCNI_ERR_NETWORK_NOT_FOUND when too few networks are loaded, or not that one;
 *         LIBCNI_ERR_INVALID_ARGUMENT, with the code 8 for a network namespace that is not there; or any failure of
 *         libcni_add_network_list().
 */
int32_t libcni_networks_setup(const libcni_networks *networks,
                              const libcni_context *ctx,
                              const char *container,
                              libcni_buf *result,
                              libcni_error **err);

/**
 * CHECK of every network of a container, each with the interface that it was set up with.
 *
 * @param networks the networks.
 * @param ctx NULL or a context.
 * @param container as for libcni_networks_setup().
 * @param err on failure the error, with one cause for each network that failed; may be NULL.
 * @return LIBCNI_OK; LIBCNI_ERR_NETWORK_NOT_FOUND as libcni_networks_setup(); or any failure of libcni_check_network_list().
 */
int32_t libcni_networks_check(const libcni_networks *networks,
                              const libcni_context *ctx,
                              const char *container,
                              libcni_error **err);

/**
 * Detaches a container from its networks, in the reverse order of the set-up, and goes on after failures. Each network
 * is deleted with the configuration and the interface that it was set up with, also when it has another number or is not
 * loaded any more. What is detached already is fine.
 *
 * @param networks the networks.
 * @param ctx NULL or a context.
 * @param container as for libcni_networks_setup(); `netns` may be empty.
 * @param err on failure the error, with one cause for each network that failed and can be tried again; may be NULL.
 * @return LIBCNI_OK; LIBCNI_ERR_NETWORK_NOT_FOUND for a network that `container` names when it is not loaded, and without
 *         a cache that could remember it; or any failure of libcni_del_network_list().
 */
int32_t libcni_networks_remove(const libcni_networks *networks,
                               const libcni_context *ctx,
                               const char *container,
                               libcni_error **err);

/**
 * Begins to watch the configuration (its files, directories and drop-in directories, and the plugin directories). There
 * is no thread: when the descriptor is readable, libcni_networks_dispatch() is to be called.
 *
 * @param networks the networks.
 * @param options NULL or a JSON object with `debounceMs`: how long it must be quiet before the networks are loaded again
 *        (default 100; under a storm of changes they are after ten times as long). Of a second call they are ignored.
 * @param fd receives a descriptor for poll, epoll or select. It belongs to `networks` and is closed with them; only wait
 *        for it. It is readable once at the beginning, for what changed since the networks were loaded.
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK, LIBCNI_ERR_INVALID_ARGUMENT, or LIBCNI_ERR_IO when there is no descriptor or watch to be had.
 */
int32_t libcni_networks_watch(const libcni_networks *networks,
                              const char *options,
                              int32_t *fd,
                              libcni_error **err);

/**
 * Goes on with what libcni_networks_watch() noticed, and never waits. When the configuration changed and it was quiet for
 * long enough, the networks are loaded again. A file that is broken now keeps the network that it had.
 *
 * @param networks the networks.
 * @param change receives `null` while there is nothing to tell, else an object: `generation`, `networks` (the names of
 *        those that are loaded now), `errors` (array of `path`, `status` and `message`), `networksChanged`, and `plugins`
 *        (whether something changed in the plugin directories). Free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK; LIBCNI_ERR_INVALID_ARGUMENT, also when nothing is watched; LIBCNI_ERR_IO.
 */
int32_t libcni_networks_dispatch(const libcni_networks *networks,
                                 libcni_buf *change,
                                 libcni_error **err);

/**
 * Counters and durations of the calls so far.
 *
 * @param networks the networks.
 * @param format "json" (an object: by operation `total`, `errors`, `durationSeconds`, `buckets`) or "prometheus" (its
 *        text format, version 0.0.4: `network_plugin_operations_total`, `network_plugin_operations_errors_total` and
 *        `network_plugin_operations_duration_seconds`, with the label `operation_type`).
 * @param out receives the text; free it with libcni_buf_free().
 * @param err on failure the error; may be NULL.
 * @return LIBCNI_OK or LIBCNI_ERR_INVALID_ARGUMENT.
 */
int32_t libcni_networks_metrics(const libcni_networks *networks,
                                const char *format,
                                libcni_buf *out,
                                libcni_error **err);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LIBCNI_H */
