import Corpora
import Interchange
import Testing

/// Tokens that name their own place: token i is i.
private func tokens(_ count: Int) -> Tokens { Tokens((0..<Int32(count)).map(\.self)) }

struct TokenStreamsTests {
  /// The law of truncated backpropagation, for all small sizes: windows join without a gap, each target counts exactly
  /// once, right behind its input, and with at least k2 - k1 + 1 steps (or all of its row) before it.
  @Test func everyTargetCountsOnceWithItsContext() throws {
    for count in 2...23 {
      for batch in 1...4 {
        for length in 1...7 where (count - 1) / batch >= length {
          for step in 1...length {
            for offset in [0, 1, count - 2, count + 3, -1] {
              let streams = try TokenStreams(
                training: tokens(count), batch: batch, length: length, step: step, offset: offset)
              try check(streams, count: count, "\(count) tokens, \(batch) × \(length), step \(step), offset \(offset)")
            }
          }
        }
      }
    }
  }

  private func check(_ streams: TokenStreams, count: Int, _ comment: Comment) throws {
    let rowLength = (count - 1) / streams.batch
    var seen = [Int](repeating: 0, count: count)
    var begin = 0  // of the window, as the carried steps tell
    var inputs = [[Int32]](repeating: [], count: streams.batch)  // of each row, joined
    #expect(streams.windowCount == (rowLength + streams.step - 1) / streams.step, comment)
    for index in 0..<streams.windowCount {
      let window = streams.window(index)
      let end = min((index + 1) * streams.step, rowLength)
      #expect(window.time == end - begin && window.time <= streams.length && window.time > 0, comment)
      #expect(window.lengths == Array(repeating: window.time, count: streams.batch), comment)
      #expect(window.carry >= 0 && window.carry <= window.time, comment)
      for row in 0..<streams.batch {
        for t in 0..<window.time {
          let input = window.inputs[t * window.batch + row]
          let target = window.targets[t * window.batch + row]
          if begin + t < inputs[row].count {
            #expect(input == inputs[row][begin + t] && target == -1, comment)
          } else {
            #expect(begin + t == inputs[row].count && target == input + 1, comment)
            #expect(begin == 0 || t + 1 >= streams.length - streams.step + 1, comment)
            inputs[row].append(input)
            seen[Int(target)] += 1
          }
        }
      }
      #expect(window.targetCount == window.targets.count { $0 != -1 }, comment)
      begin += window.carry
    }
    #expect(inputs.allSatisfy { $0.count == rowLength }, comment)
    for row in inputs {
      // Consecutive, but for the one place where the ring closes.
      let expected = row.dropLast().map { ($0 + 1) % Int32(count - 1) }
      #expect(Array(row.dropFirst()) == expected, comment)
    }
    #expect(seen[0] == 0 && seen.max() == 1, comment)
    #expect(seen.reduce(0, +) == streams.targetCount && streams.targetCount == rowLength * streams.batch, comment)
    #expect(streams.unusedCount == count - 1 - streams.targetCount && streams.unusedCount < streams.batch, comment)
  }

  @Test func theWindowsOfTheDocumentation() throws {
    let streams = try TokenStreams(training: tokens(10), batch: 1, length: 5, step: 2)
    let windows = (0..<streams.windowCount).map { streams.window($0) }
    #expect(windows.map(\.inputs) == [[0, 1], [0, 1, 2, 3], [1, 2, 3, 4, 5], [3, 4, 5, 6, 7], [5, 6, 7, 8]])
    #expect(
      windows.map(\.targets) == [[1, 2], [-1, -1, 3, 4], [-1, -1, -1, 5, 6], [-1, -1, -1, 7, 8], [-1, -1, -1, 9]])
    #expect(windows.map(\.carry) == [0, 1, 2, 2, 4])
    #expect(windows.map(\.targetCount) == [2, 2, 2, 2, 1])
  }

  @Test func windowsAreTimeMajor() throws {
    let streams = try TokenStreams(training: tokens(8), batch: 2, length: 2)
    #expect(streams.window(0).inputs == [0, 3, 1, 4] && streams.window(0).targets == [1, 4, 2, 5])
    #expect(streams.window(1).inputs == [2, 5] && streams.window(1).targets == [3, 6])
    #expect(streams.window(1).time == 1 && streams.window(0).carry == 2 && streams.unusedCount == 1)
  }

  /// Every token but the first is asked for once, after its predecessor; rows differ by at most one step.
  @Test func scoringAsksForEveryTokenOnce() throws {
    for count in 2...23 {
      for batch in 1...6 {
        for length in 1...8 {
          let comment: Comment = "\(count) tokens, \(batch) × \(length)"
          let streams = try TokenStreams(scoring: tokens(count), batch: batch, length: length)
          var targets: [[Int32]] = Array(repeating: [], count: streams.batch)
          for index in 0..<streams.windowCount {
            let window = streams.window(index)
            #expect(window.carry == window.time && window.time == window.lengths.max(), comment)
            for row in 0..<window.batch {
              for t in 0..<window.time {
                let (input, target) = (window.inputs[t * window.batch + row], window.targets[t * window.batch + row])
                if t < window.lengths[row] {
                  #expect(target == input + 1, comment)
                  targets[row].append(target)
                } else {
                  #expect(target == -1 && input == 0, comment)
                }
              }
            }
            #expect(window.targetCount == window.targets.count { $0 != -1 }, comment)
          }
          #expect(targets.flatMap(\.self) == Array(1..<Int32(count)), comment)
          #expect(targets.map(\.count) == targets.map(\.count).sorted(by: >), comment)
          #expect(targets[0].count - targets[streams.batch - 1].count <= 1, comment)
          #expect(streams.targetCount == count - 1 && streams.unusedCount == 0, comment)
          #expect(streams.batch == min(batch, max(1, (count - 1) / length)), comment)
        }
      }
    }
  }

  @Test func epochsBeginElsewhereAndAreRepeatable() throws {
    let streams = try TokenStreams(training: tokens(1001), batch: 3, length: 10, step: 5)
    func first(_ epoch: Int, seed: UInt64) -> Int32 { streams.epoch(epoch, seed: seed).window(0).inputs[0] }
    #expect(first(0, seed: 7) == 0)
    let starts = (0..<6).map { first($0, seed: 7) }
    #expect(Set(starts).count > 3 && starts == (0..<6).map { first($0, seed: 7) })
    #expect(starts != (0..<6).map { first($0, seed: 8) })
    for epoch in 0..<4 { try check(streams.epoch(epoch, seed: 7), count: 1001, "epoch \(epoch)") }
  }

  @Test(
    arguments: [
      (
        900, 32, 64, "32 rows of 64 steps need 2049 characters, and the part to train on has 900",
        "--length 28 or less, or --batch 14 or less, or a longer text"
      ),
      (900, 1000, 64, "1000 rows of 64 steps need 64001 characters", "--batch 14 or less, or a longer text"),
      (900, 3, 1000, "3 rows of 1000 steps", "--length 299 or less, or a longer text"),
      (900, 1000, 1000, "1000 rows of 1000 steps", "a smaller --length and --batch, or a longer text"),
      (900, .max, .max, "\(Int.max) rows of \(Int.max) steps need", "a smaller --length and --batch, or a longer text"),
      (1, 1, 1, "1 rows of 1 steps need 2 characters, and the part to train on has 1", "a smaller"),
      (0, 1, 1, "has 0", "a smaller"),
    ])
  func textsThatAreTooShort(count: Int, batch: Int, length: Int, message: String, hint: String) throws {
    let error = try #require(throws: UnrollError.self) {
      try TokenStreams(training: tokens(count), batch: batch, length: length, source: "t")
    }
    #expect(error.kind == .usage && error.place == "t")
    #expect(error.message.contains(message) && error.hint?.contains(hint) == true, "\(error)")
  }

  @Test(
    arguments: [
      (0, 1, 1, "--batch"), (-1, 1, 1, "--batch"), (1, 0, 1, "--length"), (1, .min, 1, "--length"), (1, 1, 0, "--step"),
      (1, 3, 4, "--step"), (1, 3, -1, "--step"),
    ])
  func numbersThatCannotBe(batch: Int, length: Int, step: Int, flag: String) throws {
    let error = try #require(throws: UnrollError.self) {
      try TokenStreams(training: tokens(100), batch: batch, length: length, step: step)
    }
    #expect(error.kind == .usage && error.message.hasPrefix(flag))
  }

  @Test func scoringLimits() throws {
    for count in 0...1 {
      let error = try #require(throws: UnrollError.self) {
        try TokenStreams(scoring: tokens(count), batch: 1, length: 5, source: "t")
      }
      #expect(error.kind == .invalidData && error.place == "t")
    }
    #expect(throws: UnrollError.self) { try TokenStreams(scoring: tokens(9), batch: 0, length: 5) }
    let long = try TokenStreams(scoring: tokens(9), batch: .max, length: .max)
    #expect(long.batch == 1 && long.windowCount == 1 && long.window(0).inputs == [0, 1, 2, 3, 4, 5, 6, 7])
    let wide = try TokenStreams(scoring: tokens(9), batch: .max, length: 1)
    #expect(wide.batch == 8 && wide.windowCount == 1 && wide.window(0).inputs == [0, 1, 2, 3, 4, 5, 6, 7])
  }
}
