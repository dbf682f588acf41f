import CKernels

/// The threads that kernels run on.
public enum Threads {
  /// Number of threads; by default the number of cores that the process may use. Results do not depend on it.
  ///
  /// Set it before work starts: not while another thread computes.
  public static var count: Int {
    get { ur_thread_count() }
    set { ur_set_thread_count(max(1, newValue)) }
  }
}

/// Runs `body` for 0..<count, on all threads; returns when all are done. The work must not depend on who runs it.
package func parallel(_ count: Int, _ body: (Int) -> Void) {
  guard count > 1 else {
    if count == 1 { body(0) }
    return
  }
  withoutActuallyEscaping(body) { body in
    var context = body
    withUnsafeMutablePointer(to: &context) { pointer in
      ur_parallel(
        count, { $0!.assumingMemoryBound(to: ((Int) -> Void).self).pointee($1) }, UnsafeMutableRawPointer(pointer))
    }
  }
}

/// Runs `body` for parts of 0..<total of at least `grain`; every part but the last is a multiple of `multiple`.
package func parallelRanges(_ total: Int, grain: Int, multiple: Int = 1, _ body: (Range<Int>) -> Void) {
  guard total > 0 else { return }
  let parts = max(1, min(Threads.count * 4, total / max(1, grain)))
  let size = ((total + parts - 1) / parts + multiple - 1) / multiple * multiple
  parallel((total + size - 1) / size) { part in
    body(part * size..<min(total, (part + 1) * size))
  }
}

/// Threads that work on one thing together, meeting at barriers; each is one member. See ``team(_:)``.
package struct TeamMember {
  /// This member's number, from 0.
  package let index: Int
  /// Number of members.
  package let count: Int

  /// Member `index` of `count` in the team that runs.
  package init(index: Int, count: Int) {
    self.index = index
    self.count = count
  }

  /// Waits until all members are here.
  @inline(__always)
  package func meet() { ur_meet(index, count) }

  /// This member's part of 0..<total, in multiples of `multiple`; the parts of all members cover it once.
  @inline(__always)
  package func share(of total: Int, multiple: Int) -> Range<Int> {
    let pieces = (total + multiple - 1) / multiple
    return min(total, pieces * index / count * multiple)..<min(total, pieces * (index + 1) / count * multiple)
  }
}

/// Runs `body` on all threads at the same time; returns when all are done.
package func team(_ body: (TeamMember) -> Void) {
  withoutActuallyEscaping(body) { body in
    var context = body
    withUnsafeMutablePointer(to: &context) { pointer in
      ur_team(
        {
          $0!.assumingMemoryBound(to: ((TeamMember) -> Void).self).pointee(TeamMember(index: $1, count: $2))
        }, UnsafeMutableRawPointer(pointer))
    }
  }
}
