/* A plugin that does what real ones do on a bad day; EVIL in its environment says what.
 *
 * Nothing here sleeps: a plugin that hangs does so for ever, and one that waits for the test does it on a
 * FIFO. EVIL_READY: something is written there once everything is set up. EVIL_ALIVE: held open by whoever a
 * test asks about; its end of file proves that they are all gone. EVIL_RELEASE: a byte there lets go.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static int fifo(const char *variable, int flags)
{
	const char *path = getenv(variable);
	int fd = path ? open(path, flags) : -1;
	if (path && fd < 0) {
		perror(path);
		_exit(100);
	}
	return fd;
}

static void put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		_exit(101);
}

static void ready(void)
{
	int fd = fifo("EVIL_READY", O_WRONLY);
	if (fd >= 0) {
		put(fd, "ready");
		close(fd);
	}
}

/* What nobody ended or let go, because the test died, ends itself one day. */
static void hang(void)
{
	alarm(300);
	for (;;)
		pause();
}

static void read_to_end(int fd)
{
	static char buffer[65536];
	while (read(fd, buffer, sizeof buffer) > 0)
		;
}

static void await_release(void)
{
	char byte;
	if (read(fifo("EVIL_RELEASE", O_RDONLY), &byte, 1) < 0)
		_exit(109);
}

/* Holds whatever is open until the test lets go, then says that it lived to see it. */
static void outlive(void)
{
	alarm(300);
	await_release();
	put(fifo("EVIL_ALIVE", O_WRONLY), "alive");
	_exit(0);
}

static int echo(void)
{
	static char buffer[65536];
	ssize_t size;
	while ((size = read(0, buffer, sizeof buffer)) > 0)
		for (ssize_t done = 0, n; done < size; done += n)
			if ((n = write(1, buffer + done, size - done)) < 0)
				return 102;
	return size < 0 ? 103 : 0;
}

static void link_of(const char *what, const char *path)
{
	char target[256];
	ssize_t size = readlink(path, target, sizeof target - 1);
	if (size >= 0) {
		target[size] = 0;
		printf("%s %s\n", what, target);
	}
}

/* The process that a plugin finds itself in, one fact a line. */
static int report(char **argv)
{
	unsigned long mask[2] = {0};
	int fds = 0, signals = 0;
	struct stat st;
	for (int fd = 0; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			fds++;
	printf("fds %d\n", fds);
	for (int fd = 0; fd < 3; fd++)
		printf("fd%d %s%s\n", fd, fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) ? "pipe" : "other",
		       fcntl(fd, F_GETFL) & O_NONBLOCK ? " nonblocking" : "");
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, mask, 8);
	printf("mask %lx\n", mask[0]);
	for (int signal = 1; signal <= 64; signal++) {
		unsigned long action[16] = {0};
		if (syscall(SYS_rt_sigaction, signal, NULL, action, 8) == 0 && action[0] != 0)
			signals++;
	}
	printf("signals %d\n", signals);
	printf("leader %d\n", getpgrp() == getpid());
	printf("parent %d\n", getppid());
	printf("argv0 %s\nargv1 %s\n", argv[0], argv[1] ? argv[1] : "(none)");
	link_of("net", "/proc/self/ns/net");
	for (char **variable = environ; *variable; variable++)
		printf("env %s\n", *variable);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = getenv("EVIL");
	(void)argc;
	if (!mode)
		return 104;
	if (!strcmp(mode, "echo"))
		return echo();
	if (!strcmp(mode, "report"))
		return report(argv);
	if (!strcmp(mode, "sink")) { /* succeeds without a look at its stdin */
		put(1, "{}");
		return 0;
	}
	if (!strcmp(mode, "fail")) {
		put(1, "{\"code\":7}");
		put(2, "it failed");
		return 7;
	}
	if (!strcmp(mode, "print")) { /* EVIL_BYTES to EVIL_FD */
		static char text[65536];
		memset(text, 'x', sizeof text);
		for (long left = atol(getenv("EVIL_BYTES")), n; left > 0; left -= n)
			if ((n = write(atoi(getenv("EVIL_FD")), text, left < 65536 ? left : 65536)) < 0)
				return 105;
		put(atoi(getenv("EVIL_FD")), "end");
		return 0;
	}
	if (!strcmp(mode, "die")) {
		raise(SIGKILL);
		hang();
	}
	if (!strcmp(mode, "marker")) {
		close(open(getenv("EVIL_MARKER"), O_CREAT | O_WRONLY, 0600));
		return 0;
	}
	if (!strcmp(mode, "hang")) {
		ready();
		hang();
	}
	if (!strcmp(mode, "await")) { /* does nothing until the test lets go */
		ready();
		await_release();
		return echo();
	}
	if (!strcmp(mode, "stubborn")) {
		signal(SIGTERM, SIG_IGN);
		put(2, "last words");
		ready();
		hang();
	}
	if (!strcmp(mode, "obedient")) { /* cleans up when it is asked to end; takes the time that the test wants */
		sigset_t set;
		int got;
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		sigprocmask(SIG_BLOCK, &set, NULL);
		ready();
		sigwait(&set, &got);
		put(2, "cleaned up");
		if (getenv("EVIL_ALIVE")) {
			put(fifo("EVIL_ALIVE", O_WRONLY), "alive");
			await_release();
		}
		return 9;
	}
	if (!strcmp(mode, "stop")) {
		ready();
		raise(SIGSTOP);
		hang();
	}
	if (!strcmp(mode, "flood")) {
		static char text[65536];
		while (write(atoi(getenv("EVIL_FD")), text, sizeof text) >= 0)
			;
		return 106;
	}
	if (!strcmp(mode, "close")) { /* closes stdout and stderr long before its end */
		close(1);
		close(2);
		read_to_end(0);
		return 3;
	}
	if (!strcmp(mode, "signal-host")) {
		kill(getppid(), SIGUSR1);
		hang();
	}
	if (!strcmp(mode, "family")) { /* a member of the group that ignores SIGTERM and has the pipes open */
		if (fork() == 0) {
			signal(SIGTERM, SIG_IGN);
			fifo("EVIL_ALIVE", O_WRONLY);
			ready();
		}
		hang();
	}
	if (!strcmp(mode, "tough-family")) { /* without the pipes, and to be let go */
		if (fork() == 0) {
			signal(SIGTERM, SIG_IGN);
			for (int fd = 0; fd < 3; fd++)
				close(fd);
			ready();
			outlive();
		}
		hang();
	}
	if (!strcmp(mode, "quiet-family")) { /* the same without the pipes */
		if (fork() == 0) {
			signal(SIGTERM, SIG_IGN);
			fifo("EVIL_ALIVE", O_WRONLY);
			for (int fd = 0; fd < 3; fd++)
				close(fd);
			ready();
		}
		hang();
	}
	if (!strcmp(mode, "escape")) { /* leaves the group twice over and keeps the pipes; the plugin hangs */
		if (fork() == 0) {
			setsid();
			if (fork() == 0) {
				signal(SIGTERM, SIG_IGN);
				ready();
				outlive();
			}
			_exit(0);
		}
		hang();
	}
	if (!strcmp(mode, "daemon")) { /* succeeds and leaves a member of its group with the pipes */
		if (fork() == 0)
			outlive();
		put(1, getenv("EVIL_TEXT"));
		if (getenv("EVIL_READY"))
			dprintf(fifo("EVIL_READY", O_WRONLY), "%d", getpid());
		return 0;
	}
	if (!strcmp(mode, "traced")) { /* succeeds, but its tracer does not let its parent see that */
		int told[2];
		char result;
		if (pipe(told) != 0)
			return 107;
		if (fork() == 0) {
			setsid();
			result = ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0 ? 0 : 77;
			if (write(told[1], &result, 1) < 0 || result)
				_exit(0);
			outlive();
		}
		if (read(told[0], &result, 1) < 0 || result)
			return 77;
		put(1, "{}");
		return 0;
	}
	if (!strcmp(mode, "late")) { /* the other half of the answer comes after the end of the plugin */
		int end_of_plugin[2];
		if (pipe(end_of_plugin) != 0)
			return 107;
		if (fork() == 0) {
			close(end_of_plugin[1]);
			read_to_end(end_of_plugin[0]);
			put(1, ":1}");
			outlive();
		}
		put(1, "{\"a\"");
		return 0;
	}
	if (!strcmp(mode, "silent")) { /* the whole answer comes after the end of the plugin */
		pid_t plugin = getpid();
		if (fork() == 0) {
			while (getppid() == plugin)
				sched_yield();
			put(1, "{\"a\":1}");
			outlive();
		}
		return 0;
	}
	fprintf(stderr, "no mode %s\n", mode);
	return 108;
}
