import CKernels
import Testing

@Suite struct RandomTests {
  /// The known answers that the authors of Random123 publish for philox4x32-10.
  @Test(arguments: [
    (
      [0, 0, 0, 0] as [UInt32], [0, 0] as [UInt32],
      [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8] as [UInt32]
    ),
    (
      [.max, .max, .max, .max], [.max, .max], [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]
    ),
    (
      [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0],
      [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
    ),
  ])
  func knownAnswers(counter: [UInt32], key: [UInt32], expected: [UInt32]) {
    var out = [UInt32](repeating: 0, count: 4)
    ur_philox(counter, key, &out)
    #expect(out == expected)
  }

  @Test func numbersAreCountedWithinSeedAndStream() {
    let (seed, stream, position) = (
      0x1234_5678_9ABC_DEF0 as UInt64, 0x0FED_CBA9_8765_4321 as UInt64, (5 << 34) + 3 as UInt64
    )
    let block = position / 4
    var out = [UInt32](repeating: 0, count: 4)
    ur_philox(
      [UInt32(truncatingIfNeeded: block), UInt32(block >> 32), 0x8765_4321, 0x0FED_CBA9], [0x9ABC_DEF0, 0x1234_5678],
      &out)
    #expect(ur_random_bits(seed, stream, position) == UInt64(out[3]))
  }

  @Test(arguments: [(0, 1), (3, 40), (31, 2), (64, 129), (1 << 40, 7), (5, 0)])
  func uniformNumbersAreTheBits(first: Int, count: Int) {
    let out = Guarded(count: count)
    ur_random_uniform(9, 4, UInt64(first), count, out.start)
    let expected = (0..<count).map { Float(UInt32(ur_random_bits(9, 4, UInt64(first + $0))) >> 8) * 0x1p-24 }
    #expect(out.values == expected && out.isUntouchedOutside)
  }

  @Test(arguments: [0, 0.25, 0.9] as [Float])
  func masksDropAtTheirRate(rate: Float) {
    let count = 20_001
    let mask = Guarded(count: count)
    ur_random_mask(1, 2, 3, count, rate, 1 / (1 - rate), mask.start)
    let uniform = Guarded(count: count)
    ur_random_uniform(1, 2, 3, count, uniform.start)
    #expect(mask.isUntouchedOutside)
    #expect(mask.values == uniform.values.map { $0 < rate ? 0 : 1 / (1 - rate) })
    let dropped = Float(mask.values.count { $0 == 0 }) / Float(count)
    #expect(abs(dropped - rate) < 0.01)
  }

  @Test func uniformNumbersFillTheRange() {
    let count = 40_000
    let out = Guarded(count: count)
    ur_random_uniform(42, 0, 0, count, out.start)
    #expect(out.values.allSatisfy { $0 >= 0 && $0 < 1 })
    var buckets = [Int](repeating: 0, count: 16)
    for value in out.values { buckets[Int(value * 16)] += 1 }
    // Chi-squared with 15 degrees of freedom; 37.7 is the point that one seed in a thousand exceeds.
    let expected = Double(count) / 16
    #expect(buckets.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected } < 37.7)
  }
}
