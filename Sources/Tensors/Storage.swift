import Synchronization

/// Memory of a tensor: 64-byte aligned floats, taken from and given back to a process-wide pool.
///
/// Pages that were touched once are used again, so that a training step does not pay for fresh memory from the system.
package final class Storage: @unchecked Sendable {
  // Sendable: written only while it is being filled by its creator, or through Tensor's mutating access after a
  // uniqueness check; read-only from then on.
  package let count: Int
  package let floats: UnsafeMutablePointer<Float>
  private let capacity: Int

  /// Memory with undefined values.
  package init(count: Int) {
    self.count = count
    capacity = MemoryPool.capacity(for: count)
    floats = MemoryPool.shared.take(capacity)
  }

  /// Memory filled with one value.
  package convenience init(count: Int, repeating value: Float) {
    self.init(count: count)
    floats.update(repeating: value, count: count)
  }

  deinit { MemoryPool.shared.give(floats, capacity) }

  package var buffer: UnsafeBufferPointer<Float> { UnsafeBufferPointer(start: floats, count: count) }
}

/// Blocks by size class, four classes to a power of two, so that at most a fifth of a block is unused.
private final class MemoryPool: Sendable {
  static let shared = MemoryPool()
  /// Bytes kept for later use at most; beyond that blocks go back to the system.
  static let limit = 2 << 30

  private struct State {
    var free: [Int: [UInt]] = [:]
    var bytes = 0
  }
  private let state = Mutex(State())

  static func capacity(for count: Int) -> Int {
    guard count > 64 else { return 64 }
    let power = Int.bitWidth - (count - 1).leadingZeroBitCount - 1
    let step = max(16, (1 << power) / 4)
    return (count + step - 1) / step * step
  }

  func take(_ capacity: Int) -> UnsafeMutablePointer<Float> {
    let reused = state.withLock { state -> UInt? in
      guard let block = state.free[capacity]?.popLast() else { return nil }
      state.bytes -= capacity * 4
      return block
    }
    if let reused, let pointer = UnsafeMutablePointer<Float>(bitPattern: reused) { return pointer }
    return UnsafeMutableRawPointer.allocate(byteCount: capacity * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: capacity)
  }

  func give(_ pointer: UnsafeMutablePointer<Float>, _ capacity: Int) {
    let kept = state.withLock { state in
      guard state.bytes + capacity * 4 <= Self.limit else { return false }
      state.free[capacity, default: []].append(UInt(bitPattern: pointer))
      state.bytes += capacity * 4
      return true
    }
    if !kept { UnsafeMutableRawPointer(pointer).deallocate() }
  }
}
