import CKernels
import TestSupport
import Testing

/// Threads that share indices.
@Suite struct ThreadsTests {

  /// Runs ur_parallel and returns how often each index ran.
  private func run(_ count: Int, nested: Int = 0) -> [Int] {
    struct Context {
      var counts: UnsafeMutablePointer<Int32>
      var nested: Int
    }
    let inner = max(1, nested)
    let counts = UnsafeMutablePointer<Int32>.allocate(capacity: max(1, count * inner))
    defer { counts.deallocate() }
    counts.update(repeating: 0, count: max(1, count * inner))
    var context = Context(counts: counts, nested: nested)
    ur_parallel(
      count,
      { raw, index in
        let context = raw!.assumingMemoryBound(to: Context.self).pointee
        guard context.nested > 0 else {
          context.counts[index] += 1
          return
        }
        var own = Context(counts: context.counts + index * context.nested, nested: 0)
        ur_parallel(
          context.nested, { raw, index in raw!.assumingMemoryBound(to: Context.self).pointee.counts[index] += 1 }, &own)
      }, &context)
    return (0..<count * inner).map { Int(counts[$0]) }
  }

  @Test(arguments: [1, 2, 3, 8])
  func everyIndexRunsOnce(threads: Int) {
    let turn = ThreadTurn()
    defer { turn.end() }
    ur_set_thread_count(threads)
    #expect(ur_thread_count() == threads)
    for count in [0, 1, 2, 3, 7, 100, 1000] {
      for _ in 0..<20 { #expect(run(count) == Array(repeating: 1, count: count)) }
    }
    #expect(run(9, nested: 5) == Array(repeating: 1, count: 45))
  }

  @Test func thereIsAlwaysOneThread() {
    let turn = ThreadTurn()
    defer { turn.end() }
    #expect(ur_thread_count() >= 1)
    ur_set_thread_count(-3)
    #expect(ur_thread_count() == 1)
  }

  @Test func callersDoNotWaitForEachOther() async {
    await withTaskGroup(of: Bool.self) { group in
      for count in 1...8 {
        group.addTask {
          (0..<50).allSatisfy { _ in run(count * 3) == Array(repeating: 1, count: count * 3) }
        }
      }
      for await good in group { #expect(good) }
    }
  }
}
