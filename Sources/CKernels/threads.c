// The worker threads. One word holds what is left of the running job, so that a late worker can never take a piece of a
// job that is over: `work` is the job's number (upper half) and the pieces not yet taken (lower half).
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sched.h>
#include <unistd.h>

#include "tables.h"

// How long a thread looks for work before it sleeps: some tens of microseconds, the distance of two steps of a
// recurrence.
enum { SPINS = 1000, MAX_THREADS = 256, MAX_MEMBERS = 64 };

static struct {
  pthread_mutex_t owner;  // held by the caller whose job runs
  pthread_mutex_t sleep;
  pthread_cond_t wake, done;
  _Atomic uint64_t work;
  _Atomic uint32_t completed, sleepers, caller_sleeps, stop;
  _Atomic uint32_t roused;  // how often the workers were woken without work
  void (*body)(void *, long);
  void *context;
  uint32_t count;
  _Atomic long threads;  // 0: not yet known
  long workers;
  pthread_t worker[MAX_THREADS];
} pool = {.owner = PTHREAD_MUTEX_INITIALIZER,
          .sleep = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

static _Thread_local bool inside;

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Takes one piece and runs it; false when none is left.
static bool run_piece(void) {
  uint64_t work = atomic_load(&pool.work);
  do {
    if ((uint32_t)work == 0) return false;
  } while (!atomic_compare_exchange_weak(&pool.work, &work, work - 1));
  const uint32_t count = pool.count;  // stays, as this piece keeps the job alive
  pool.body(pool.context, count - (uint32_t)work);
  if (atomic_fetch_add(&pool.completed, 1) + 1 == count && atomic_load(&pool.caller_sleeps)) {
    pthread_mutex_lock(&pool.sleep);
    pthread_cond_broadcast(&pool.done);
    pthread_mutex_unlock(&pool.sleep);
  }
  return true;
}

static bool has_work(void) { return (uint32_t)atomic_load(&pool.work) != 0 || atomic_load(&pool.stop); }

static void *worker_loop(void *unused) {
  inside = true;
  uint32_t roused = atomic_load(&pool.roused);
  while (!atomic_load(&pool.stop)) {
    if (run_piece()) continue;
    for (int spin = 0; spin < SPINS && !has_work(); spin++) pause_briefly();
    if (has_work()) continue;
    pthread_mutex_lock(&pool.sleep);
    atomic_fetch_add(&pool.sleepers, 1);
    while (!has_work() && atomic_load(&pool.roused) == roused) pthread_cond_wait(&pool.wake, &pool.sleep);
    atomic_fetch_sub(&pool.sleepers, 1);
    pthread_mutex_unlock(&pool.sleep);
    roused = atomic_load(&pool.roused);
  }
  return unused;
}

static long available_cores(void) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? online : 1;
}

long ur_thread_count(void) {
  long count = atomic_load(&pool.threads);
  if (count > 0) return count;
  const long cores = available_cores();
  atomic_compare_exchange_strong(&pool.threads, &count, cores < MAX_THREADS ? cores : MAX_THREADS);
  return atomic_load(&pool.threads);
}

// What follows is called by the owner alone.

// A thread that cannot be started is done without.
static void start_workers(void) {
  while (pool.workers < ur_thread_count() - 1) {
    if (pthread_create(&pool.worker[pool.workers], 0, worker_loop, 0) != 0) return;
    pool.workers++;
  }
}

static void wake_workers(void) {
  if (atomic_load(&pool.sleepers) == 0) return;
  pthread_mutex_lock(&pool.sleep);
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.sleep);
}

static void stop_workers(void) {
  atomic_store(&pool.stop, 1);
  wake_workers();
  for (long i = 0; i < pool.workers; i++) pthread_join(pool.worker[i], 0);
  pool.workers = 0;
  atomic_store(&pool.stop, 0);
}

static void wait_for_others(void) {
  for (int spin = 0; spin < 4 * SPINS && atomic_load(&pool.completed) != pool.count; spin++) pause_briefly();
  if (atomic_load(&pool.completed) == pool.count) return;
  pthread_mutex_lock(&pool.sleep);
  atomic_store(&pool.caller_sleeps, 1);
  while (atomic_load(&pool.completed) != pool.count) pthread_cond_wait(&pool.done, &pool.sleep);
  atomic_store(&pool.caller_sleeps, 0);
  pthread_mutex_unlock(&pool.sleep);
}

static void run_job(uint32_t count, void (*body)(void *, long), void *context) {
  start_workers();
  pool.body = body;
  pool.context = context;
  pool.count = count;
  atomic_store(&pool.completed, 0);
  const uint64_t number = (atomic_load(&pool.work) >> 32) + 1;
  atomic_store(&pool.work, number << 32 | count);
  wake_workers();
  inside = true;
  while (run_piece()) continue;
  inside = false;
  wait_for_others();
}

void ur_parallel(long count, void (*body)(void *context, long index), void *context) {
  // A second caller does not wait for the first: its own thread is as good as any.
  if (count > 1 && count <= INT32_MAX && !inside && pthread_mutex_trylock(&pool.owner) == 0) {
    const bool many = ur_thread_count() > 1;
    if (many) run_job((uint32_t)count, body, context);
    pthread_mutex_unlock(&pool.owner);
    if (many) return;
  }
  for (long i = 0; i < count; i++) body(context, i);
}

// A team is a job of as many pieces as there are threads: none ends before all have begun, so each thread takes one.
typedef struct team {
  void (*body)(void *, long, long);
  void *context;
  long members;
} team;

static void join_team(void *context, long member) {
  const team *own = context;
  own->body(own->context, member, own->members);
}

// How often each member has met the others, in lines of their own: a meeting costs one transfer of a line. Two lines
// each, as processors like to fetch pairs. There is one team at a time, so these are enough.
static struct {
  _Alignas(128) _Atomic uint32_t rounds;
} meetings[MAX_MEMBERS];
static long members_before;  // of the last team

// Runs the team; if `awake` is not 0, only with so many members and all workers awake. False when it did not.
static bool run_team(void (*body)(void *, long, long), void *context, long awake, bool rouse) {
  if (inside || pthread_mutex_trylock(&pool.owner) != 0) return false;
  start_workers();
  team all = {body, context, pool.workers + 1 < MAX_MEMBERS ? pool.workers + 1 : MAX_MEMBERS};
  const bool asleep = awake != 0 && atomic_load(&pool.sleepers) != 0;
  const bool runs = all.members > 1 && !asleep && (awake == 0 || all.members == awake);
  // The members of a team have met equally often, unless one is new.
  if (runs && all.members != members_before) {
    for (long i = 0; i < all.members; i++) atomic_store(&meetings[i].rounds, 0);
    members_before = all.members;
  }
  if (runs) run_job((uint32_t)all.members, join_team, &all);
  if (asleep && rouse) {
    atomic_fetch_add(&pool.roused, 1);
    wake_workers();
  }
  pthread_mutex_unlock(&pool.owner);
  return runs;
}

void ur_team(void (*body)(void *context, long member, long members), void *context) {
  if (!run_team(body, context, 0, false)) body(context, 0, 1);
}

bool ur_team_if_awake(
    long members, void (*body)(void *context, long member, long members), void *context, bool rouse) {
  return run_team(body, context, members, rouse);
}

void ur_meet(long member, long members) {
  if (members < 2) return;
  const uint32_t round = atomic_load_explicit(&meetings[member].rounds, memory_order_relaxed) + 1;
  atomic_store_explicit(&meetings[member].rounds, round, memory_order_release);
  for (long other = 0; other < members; other++) {
    // Another member may be one round ahead already. One that lost its core for a while is waited for without keeping
    // the core from it.
    for (int spin = 0;
         (int32_t)(atomic_load_explicit(&meetings[other].rounds, memory_order_acquire) - round) < 0; spin++) {
      if (spin < SPINS) {
        pause_briefly();
      } else {
        sched_yield();
      }
    }
  }
}

void ur_set_thread_count(long count) {
  pthread_mutex_lock(&pool.owner);
  stop_workers();
  const long threads = count < 1 ? 1 : count < MAX_THREADS ? count : MAX_THREADS;
  atomic_store(&pool.threads, threads);
  pthread_mutex_unlock(&pool.owner);
}
