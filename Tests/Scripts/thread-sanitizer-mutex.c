// Tells ThreadSanitizer of the locks that it cannot see: a contended Mutex of Swift is taken and given away inside the
// Synchronization library, which comes without instrumentation. Loaded before that library by sanitizers.sh.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

__attribute__((swiftcall)) void lock_slow(uint32_t owner, __attribute__((swift_context)) void *handle) __asm__(LOCK);
__attribute__((swiftcall)) void unlock_slow(__attribute__((swift_context)) void *handle) __asm__(UNLOCK);

__attribute__((swiftcall)) void lock_slow(uint32_t owner, __attribute__((swift_context)) void *handle) {
  typedef __attribute__((swiftcall)) void (*Function)(uint32_t, __attribute__((swift_context)) void *);
  ((Function)dlsym(RTLD_NEXT, LOCK))(owner, handle);
  if (__tsan_acquire) __tsan_acquire(handle);
}

__attribute__((swiftcall)) void unlock_slow(__attribute__((swift_context)) void *handle) {
  typedef __attribute__((swiftcall)) void (*Function)(__attribute__((swift_context)) void *);
  if (__tsan_release) __tsan_release(handle);
  ((Function)dlsym(RTLD_NEXT, UNLOCK))(handle);
}
