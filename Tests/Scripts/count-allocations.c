// Preloaded: counts calls of the allocator and says how many there were when the program ends.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic unsigned long calls;
static void *(*next_malloc)(size_t);
static int (*next_aligned)(void **, size_t, size_t);

void *malloc(size_t size) {
  if (!next_malloc) next_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
  atomic_fetch_add(&calls, 1);
  return next_malloc(size);
}

int posix_memalign(void **place, size_t alignment, size_t size) {
  if (!next_aligned) next_aligned = (int (*)(void **, size_t, size_t))dlsym(RTLD_NEXT, "posix_memalign");
  atomic_fetch_add(&calls, 1);
  return next_aligned(place, alignment, size);
}

__attribute__((destructor)) static void report(void) { fprintf(stderr, "allocations: %lu\n", atomic_load(&calls)); }
