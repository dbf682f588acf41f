import CKernels
import TestSupport
import Testing

/// Teams: every member runs once, at the same time as the others, and barriers keep them in step.
@Suite struct TeamTests {
  /// Each member adds to the sum of what all members wrote in the round before: one that ran ahead would be noticed.
  @Test(arguments: [1, 2, 3, 4])
  func barriersKeepMembersInStep(threads: Int) {
    let turn = ThreadTurn()
    defer { turn.end() }
    ur_set_thread_count(threads)
    let values = UnsafeMutablePointer<Int>.allocate(capacity: 16)
    values.initialize(repeating: 1, count: 16)
    defer { values.deallocate() }
    ur_team(
      { raw, member, members in
        let values = raw!.assumingMemoryBound(to: Int.self)
        for round in 0..<40 {
          let (from, to) = (round % 2 * 8, (round + 1) % 2 * 8)
          var sum = 0
          for other in 0..<members { sum &+= values[from + other] }
          values[to + member] = sum &* 3 &+ member
          ur_meet(member, members)
        }
      }, values)
    let members = (0..<8).filter { values[$0] != 1 }.count
    var expected = [Int](repeating: 1, count: members)
    for _ in 0..<40 {
      let sum = expected.reduce(0, &+)
      expected = (0..<members).map { sum &* 3 &+ $0 }
    }
    #expect(members >= 1 && members <= threads)
    #expect((0..<members).map { values[$0] } == expected)
  }

  /// A team is of the size that it is asked for or not made, however many threads there are by then.
  @Test func teamsOfAGivenSizeAreOfNoOther() {
    let turn = ThreadTurn()
    defer { turn.end() }
    // By members asked for, times 8, and members that there were.
    let counts = UnsafeMutablePointer<Int>.allocate(capacity: 32)
    counts.initialize(repeating: 0, count: 32)
    defer { counts.deallocate() }
    for _ in 0..<600 {
      ur_set_thread_count(2)
      for asked in [2, 3] {
        // All are awake for a while after they have worked.
        for _ in 0..<5 { ur_team({ _, member, members in ur_meet(member, members) }, nil) }
        for _ in 0..<5 {
          _ = ur_team_if_awake(
            asked,
            { raw, member, members in
              if member == 0 { raw!.assumingMemoryBound(to: Int.self)[min(7, members)] += 1 }
            }, counts + 8 * asked, true)
        }
      }
    }
    #expect(counts[8 * 2 + 2] > 0)
    #expect((0..<8).allSatisfy { $0 == 2 || counts[8 * 2 + $0] == 0 })
    #expect((0..<8).allSatisfy { $0 == 3 || counts[8 * 3 + $0] == 0 })
  }
}
