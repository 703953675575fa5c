/* SPDX-License-Identifier: MIT */
#include "cli/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/try.h"
#include "base/units.h"
#include "sys/fd.h"
#include "velocity/steering.h"
#include "velocity/system.h"

/* A worker that lived no longer than this is not started again sooner than that. */
#define BREATH (1 * SECOND)

enum report_kind { READY, IDLE, COUNTS };

/* Less than PIPE_BUF, so it arrives whole. */
struct report {
    enum report_kind kind;
    struct vel_serve_counts counts;
};

struct worker {
    pid_t pid; /* 0: there is none */
    int reports;
    bool ready, idle;
    vel_time started;
    vel_time due; /* when to start it; VEL_NEVER: it runs, or will not run again */
    struct vel_serve_counts counts;
};

struct parent {
    const struct vel_supervisor *setup;
    int signals; /* a descriptor that tells of them */
    sigset_t mask_before;
    struct worker workers[VEL_WORKERS_MAX];
    bool announced, hurried, failed;
    size_t asked; /* how often the workers were told to end; 0: serving */
};

/* ---- the worker's side ---- */

static void report(int reports, struct report made)
{
    ssize_t written;
    if (reports < 0)
        return;
    do
        written = write(reports, &made, sizeof made);
    while (written < 0 && errno == EINTR);
}

void vel_report_ready(int reports)
{
    report(reports, (struct report){.kind = READY});
}

void vel_report_idle(int reports)
{
    report(reports, (struct report){.kind = IDLE});
}

void vel_report_counts(int reports, const struct vel_serve_counts *counts)
{
    report(reports, (struct report){.kind = COUNTS, .counts = *counts});
}

/* What was forked becomes a worker: nothing of the parent's is left but what `work` needs. */
static int be_worker(struct parent *parent, unsigned number, int reports, pid_t parent_pid)
{
    const struct vel_supervisor *setup = parent->setup;
    vel_fd_close(&parent->signals);
    for (unsigned i = 0; i < setup->count; i++)
        vel_fd_close(&parent->workers[i].reports);
    /* Without a parent nobody would start it again, or free its port. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent_pid)
        return VEL_STATUS_FAILED;
    sigprocmask(SIG_SETMASK, &parent->mask_before, NULL);
    int status = setup->work(setup->self, number, reports);
    vel_fd_close(&reports);
    return status;
}

/* ---- starting ---- */

/* For want of memory, processes or descriptors, and so for a while only. False. */
static bool not_started(unsigned number)
{
    fprintf(stderr, "velocity serve: worker %u cannot be started: %s; again in a second\n",
            number + 1, strerror(errno));
    return false;
}

/* True in the new process, whose status is *status when it has done its work. */
static bool start(struct parent *parent, unsigned number, int *status)
{
    struct worker *worker = &parent->workers[number];
    pid_t parent_pid = getpid();
    int ends[2];
    worker->started = vel_clock_now();
    worker->due = worker->started + BREATH; /* unless it starts */
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return not_started(number);
    fflush(stdout);
    fflush(stderr);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        *status = be_worker(parent, number, ends[1], parent_pid);
        return true;
    }
    if (pid < 0) {
        (void)not_started(number); /* while errno is fork's */
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    close(ends[1]);
    worker->pid = pid;
    worker->reports = ends[0];
    worker->ready = worker->idle = false;
    worker->due = VEL_NEVER;
    return false;
}

static bool start_due(struct parent *parent, int *status)
{
    vel_time now = vel_clock_now();
    for (unsigned i = 0; i < parent->setup->count; i++)
        if (parent->workers[i].due <= now && start(parent, i, status))
            return true;
    return false;
}

/* ---- ending ---- */

static unsigned count_alive(const struct parent *parent)
{
    unsigned alive = 0;
    for (unsigned i = 0; i < parent->setup->count; i++)
        alive += parent->workers[i].pid != 0;
    return alive;
}

static void tell_all(struct parent *parent, int number)
{
    for (unsigned i = 0; i < parent->setup->count; i++)
        if (parent->workers[i].pid != 0)
            kill(parent->workers[i].pid, number);
}

/* Each time with more weight: finish what runs; end; what does not even do that is ended. Never the
 * same signal twice, for who ends a group of processes sends it to the workers as well. */
static void finish(struct parent *parent)
{
    static const int weights[] = {SIGTERM, SIGINT, SIGKILL};
    if (parent->asked == 0)
        parent->setup->finishing(parent->setup->self);
    for (unsigned i = 0; i < parent->setup->count; i++)
        parent->workers[i].due = VEL_NEVER;
    tell_all(parent, weights[VEL_MIN(parent->asked, VEL_COUNT(weights) - 1)]);
    parent->asked++;
}

/* They wait for each other. One that somebody else has told to finish waits for nobody: another takes
 * its place. */
static void end_who_is_idle(struct parent *parent)
{
    unsigned busy = 0;
    for (unsigned i = 0; i < parent->setup->count; i++) {
        struct worker *worker = &parent->workers[i];
        busy += worker->pid != 0 && !worker->idle;
        if (parent->asked > 0 || worker->pid == 0 || !worker->idle)
            continue;
        kill(worker->pid, SIGINT); /* once: it soon does not catch it any more */
        worker->idle = false;
    }
    if (parent->asked == 0 || parent->hurried || busy > 0)
        return;
    parent->hurried = true;
    tell_all(parent, SIGINT);
}

/* ---- what workers tell ---- */

static void take_reports(struct worker *worker)
{
    struct report got;
    while (worker->reports >= 0) {
        ssize_t size = read(worker->reports, &got, sizeof got);
        if (size < 0 && errno == EINTR)
            continue;
        if (size == 0)
            vel_fd_close(&worker->reports);
        if (size != sizeof got)
            return;
        worker->ready = true;
        worker->idle |= got.kind == IDLE;
        if (got.kind == COUNTS)
            vel_serve_counts_add(&worker->counts, &got.counts);
    }
}

static void announce_when_ready(struct parent *parent)
{
    for (unsigned i = 0; i < parent->setup->count; i++)
        if (!parent->workers[i].ready)
            return;
    if (!parent->announced && parent->asked == 0)
        parent->setup->ready(parent->setup->self);
    parent->announced = true;
}

/* ---- death ---- */

static const char *how_it_ended(int status, char text[64])
{
    if (WIFSIGNALED(status))
        snprintf(text, 64, "was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, 64, "ended with status %d", WEXITSTATUS(status));
    return text;
}

/* One that cannot even begin has told why; the others would not fare better. */
static void on_death(struct parent *parent, unsigned number, int status)
{
    struct worker *worker = &parent->workers[number];
    pid_t pid = worker->pid;
    char text[64];
    worker->pid = 0;
    if (parent->asked > 0)
        return;
    fprintf(stderr, "velocity serve: worker %u (process %d) %s%s\n", number + 1, (int)pid,
            how_it_ended(status, text), parent->announced ? "; another takes its place" : "");
    if (!parent->announced) {
        parent->failed = true;
        finish(parent);
        return;
    }
    worker->due = VEL_MAX(vel_clock_now(), worker->started + BREATH);
}

static void reap(struct parent *parent)
{
    struct rusage used;
    int status;
    for (pid_t pid; (pid = wait4(-1, &status, WNOHANG, &used)) > 0;) {
        for (unsigned i = 0; i < parent->setup->count; i++) {
            struct worker *worker = &parent->workers[i];
            if (worker->pid != pid)
                continue;
            take_reports(worker);
            vel_fd_close(&worker->reports);
            worker->counts.cpu += vel_serve_cpu(&used);
            on_death(parent, i, status);
        }
    }
}

/* ---- waiting ---- */

static void take_signals(struct parent *parent)
{
    struct signalfd_siginfo info;
    while (read(parent->signals, &info, sizeof info) == sizeof info)
        if (info.ssi_signo != SIGCHLD)
            finish(parent);
    reap(parent);
}

static int milliseconds_to_wait(const struct parent *parent)
{
    vel_time due = VEL_NEVER;
    for (unsigned i = 0; i < parent->setup->count; i++)
        due = VEL_MIN(due, parent->workers[i].due);
    if (due == VEL_NEVER)
        return -1;
    return (int)(VEL_MAX(due - vel_clock_now(), 0) / MS) + 1;
}

static void wait_for_something(struct parent *parent)
{
    struct pollfd fds[1 + VEL_WORKERS_MAX] = {{.fd = parent->signals, .events = POLLIN}};
    unsigned count = parent->setup->count;
    for (unsigned i = 0; i < count; i++)
        fds[1 + i] = (struct pollfd){.fd = parent->workers[i].reports, .events = POLLIN};
    if (poll(fds, 1 + count, milliseconds_to_wait(parent)) <= 0)
        return;
    for (unsigned i = 0; i < count; i++)
        if (fds[1 + i].revents != 0)
            take_reports(&parent->workers[i]);
    take_signals(parent);
    announce_when_ready(parent);
    end_who_is_idle(parent);
}

static vel_result catch_signals(struct parent *parent)
{
    sigset_t set;
    signal(SIGCHLD, SIG_DFL); /* who started us may have ignored it: then nobody hears of a death */
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    REQUIRE(sigprocmask(SIG_BLOCK, &set, &parent->mask_before) == 0, VEL_ERR_IO);
    parent->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return parent->signals >= 0 ? VEL_OK : VEL_ERR_IO;
}

static void print_counts(const struct parent *parent)
{
    struct vel_serve_counts sum = {0};
    char who[32];
    for (unsigned i = 0; i < parent->setup->count; i++) {
        snprintf(who, sizeof who, "worker %u", i + 1);
        vel_serve_counts_print(who, &parent->workers[i].counts);
        vel_serve_counts_add(&sum, &parent->workers[i].counts);
    }
    vel_serve_counts_print("served", &sum);
}

int vel_supervise(const struct vel_supervisor *supervisor)
{
    struct parent parent = {.setup = supervisor, .signals = -1};
    int status = VEL_STATUS_OK;
    for (unsigned i = 0; i < supervisor->count; i++)
        parent.workers[i].reports = -1;
    if (catch_signals(&parent) != VEL_OK)
        return vel_fail(supervisor->call, "signals: %s", strerror(errno));
    while (count_alive(&parent) > 0 || parent.asked == 0) {
        if (start_due(&parent, &status))
            return status;
        wait_for_something(&parent);
    }
    vel_fd_close(&parent.signals);
    sigprocmask(SIG_SETMASK, &parent.mask_before, NULL);
    if (parent.announced)
        print_counts(&parent);
    return parent.failed ? VEL_STATUS_FAILED : VEL_STATUS_OK;
}

unsigned vel_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return (unsigned)VEL_MAX(CPU_COUNT(&set), 1);
}
